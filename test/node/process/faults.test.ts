import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { ROWS_DONE } from '../../support/catalog.ts'
import { cleanUp, serverUrl, type TestDatabase, testDatabase } from '../../support/database.ts'
import { type NodeProcess, startNode, until } from '../../support/node-process.ts'
import {
  again,
  answered,
  CONTRACTED,
  COPIED,
  contract,
  DEMO,
  EXPANDED,
  err,
  expand,
  FRESH,
  migrateData,
  type Place,
  play,
  playOn,
  type Request,
  row,
  type Scenario,
} from './scenario.ts'

const to = (id: number, reply: string): string => reply.replace('N', String(id))
const from = (src: string, id: number, body: Request): Request => ({
  src,
  dest: 'n',
  body: { ...body, msg_id: id },
})
const say = ({ node }: Pick<Place, 'node'>, message: Request): void =>
  node.write(`${JSON.stringify(message)}\n`)
const errorOf = (code: number, id: number): RegExp =>
  new RegExp(`^\\{"type": "error", "in_reply_to": ${id}, "code": ${code}, `)

/** The name of the column that the copies of these tests fill, and which statement they are slowed down at. */
const SLOW = `${DEMO};
  create function slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.05); return null; end $$;
  create trigger slow before update on users for each statement execute function slow()`

const NEW: Request = { type: 'register_instance', instance: 'new', uses: ['users.full_name'] }
const ENTERED =
  '{"type": "instance_registered", "in_reply_to": N, "instance": "new", "uses": ["users.full_name"], "lease_ms": 30000'

const rowsDone = async ({ database }: Pick<Place, 'database'>): Promise<number> =>
  Number((await database.query(ROWS_DONE).catch(() => []))[0]?.rows_done ?? 0)

const columns = async ({ database }: Pick<Place, 'database'>): Promise<string> =>
  (
    await database.query(
      `select string_agg(column_name, ' ' order by ordinal_position) as names from information_schema.columns where table_name = 'users'`,
    )
  )[0]?.names

/** A session that holds a row, so that a copy by single rows stands still in front of it. */
async function heldRow({ database }: Place, id: number): Promise<pg.Client> {
  const holder = await database.session('holder')
  await holder.query(`begin; select 1 from users where id = ${id} for update`)
  return holder
}

const CONCURRENCY: readonly Scenario[] = [
  {
    title: 'rows 18, 19: what arrives while a copy runs waits for it, or gives up when it said so',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      async (place) => {
        const holder = await heldRow(place, 41)
        say(place, from('admin', 50, migrateData('name', 'full_name', { batch_size: 1 })))
        await until(async () => (await rowsDone(place)) === 40, 'the copy stands at row 41')
        say(place, from('another', 1, migrateData('name', 'full_name', { batch_size: 1 })))
        say(place, from('third', 1, contract('users', 'name')))
        const hasty = await place.node.ask(
          from('hasty', 1, contract('users', 'name', { max_lock_duration_ms: 300 })),
        )
        expect(hasty, 'row 19').toMatch(errorOf(11, 1))
        expect(await place.node.ask(from('app', 1, { type: 'heartbeat', instance: 'x' })), '5.3').toMatch(
          errorOf(20, 1),
        )
        expect(await place.node.ask(from('hasty', 2, { type: 'status' })), '5.3').toContain('"copying"')
        await holder.query('commit')
        const replies = [await place.node.line(), await place.node.line(), await place.node.line()]
        expect(replies.toSorted()).toEqual(
          [to(50, COPIED), to(1, again(COPIED)), to(1, CONTRACTED)].toSorted(),
        )
        expect(replies[0], 'nobody overtakes it').toBe(to(50, COPIED))
      },
    ],
  },
  {
    title: '5.3: the same message while the first one runs gets the same reply',
    given: SLOW,
    steps: [
      async (place) => {
        const copy = from('admin', 7, migrateData('name', 'full_name', { batch_size: 100 }))
        say(place, copy)
        say(place, copy)
        say(place, from('app', 1, { type: 'heartbeat', instance: 'x' }))
        expect(await place.node.line(), 'nobody else waits').toMatch(errorOf(20, 1))
        expect([await place.node.line(), await place.node.line()]).toEqual([to(7, COPIED), to(7, COPIED)])
      },
    ],
  },
  {
    title:
      'rows 20, 86: a lock that is not had in time changes nothing, stops nobody, and the same message can come again',
    steps: [
      async (place) => {
        const blocker = await place.database.session('the blocker')
        await blocker.query('begin; select 1 from users limit 1')
        const bystander = await place.database.session('bystander')
        let reads = 0
        let isAsking = true
        const reading = (async () => {
          for (; isAsking; reads += 1) await bystander.query('select name from users where id = 1')
        })()
        const message = { ...expand('users', 'full_name', { max_lock_duration_ms: 1000 }), msg_id: 60 }
        const refused = await place.node.ask(message)
        isAsking = false
        await reading
        expect(refused).toMatch(errorOf(11, 60))
        expect(refused, 'it says who is in the way').toContain('the blocker')
        expect(reads, 'others went on').toBeGreaterThan(5)
        expect(await columns(place)).toBe('id name')
        await place.database.query('create table public.others (id int primary key)')
        expect(
          await place.node.ask({ ...expand('others', 'x'), msg_id: 61 }),
          'another table is free',
        ).toContain('"version": 1')
        await blocker.query('commit')
        expect(await place.node.ask(message), 'row 20').toBe(
          to(60, EXPANDED.replace('"version": 1', '"version": 2')),
        )
      },
    ],
  },
  {
    title: 'row 86: what gave up is not in the way of another change of the table',
    steps: [
      async (place) => {
        const blocker = await place.database.session('the blocker')
        await blocker.query('begin; select 1 from users limit 1')
        for (const message of [
          expand('users', 'email', { max_lock_duration_ms: 200 }),
          expand('users', 'full_name', { max_lock_duration_ms: 200, column_type: 'varchar(50)' }),
          migrateData('name', 'nick', { max_lock_duration_ms: 200 }),
        ])
          expect(await place.node.ask({ ...message, msg_id: 1 })).toMatch(errorOf(11, 1))
        await blocker.query('commit')
      },
      row(4, migrateData('name', 'full_name'), COPIED),
      row(3, contract('users', 'name'), CONTRACTED),
      async (place) => expect(await columns(place)).toBe('id full_name'),
    ],
  },
  {
    title: 'rows 20, 44: a copy that could not make its column ready does so when it is asked for again',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      async (place) => {
        await place.database.query(`
          create function bellows.refuse() returns trigger language plpgsql as $$ begin raise 'not on my watch'; end $$;
          create trigger refuse before insert on bellows.event for each row
            when (new.event ->> 'phase' = 'verify') execute function bellows.refuse()`)
      },
      row(4, migrateData('name', 'full_name'), COPIED),
      row('44, before', NEW, `${ENTERED}, "not_ready": ["users.full_name"]}`),
      async (place) => {
        await place.database.query('drop trigger refuse on bellows.event')
      },
      row(20, migrateData('name', 'full_name'), again(COPIED)),
      row(44, NEW, `${ENTERED}}`),
    ],
  },
  {
    title:
      'row 86: a contract that gives up between hiding the column and dropping it does not say that nothing was done',
    steps: [
      row(4, migrateData('name', 'full_name'), COPIED),
      async (place) => {
        // The transaction that hides the column stands until a reader has queued up behind it, in front of the next one.
        await place.database.query(`
          create function bellows.dawdle() returns trigger language plpgsql as $$
          begin
            if new.event ->> 'type' = 'step_done' and new.event ->> 'step' like '%/retire/%' then
              -- Not by waiting for it, which the bound of waits for locks would end.
              while not pg_try_advisory_xact_lock(86) loop perform pg_sleep(0.01); end loop;
            end if;
            return new;
          end $$;
          create trigger dawdle before insert on bellows.event for each row execute function bellows.dawdle()`)
        const [other, holder] = [await place.database.session('other'), await place.database.session()]
        await holder.query('select pg_advisory_lock(86)')
        say(place, { ...contract('users', 'name', { max_lock_duration_ms: 1500 }), msg_id: 70 })
        const waits = (event: string) => async () =>
          (
            await place.database.query(
              `select from pg_stat_activity where wait_event = '${event}' and datname = current_database()`,
            )
          ).length > 0
        await until(waits('PgSleep'), 'the column is about to be hidden')
        const reading = other.query('begin; select full_name from users limit 1')
        await until(waits('relation'), 'the reader is queued up')
        await holder.query('select pg_advisory_unlock(86)')
        await reading
        expect(await place.node.line()).toMatch(errorOf(13, 70))
        expect(await columns(place), 'it is hidden').not.toMatch(/\bname\b/)
        await other.query('commit')
      },
      row('20, again', contract('users', 'name'), CONTRACTED),
    ],
  },
]

const DATABASE: readonly Scenario[] = [
  {
    title: 'row 85: a statement that is refused is rolled back, and the reply says so for good',
    given: `${DEMO};
      create function refuse() returns event_trigger language plpgsql as $$ begin raise 'not on my watch'; end $$;
      create event trigger refuse on ddl_command_end when tag in ('ALTER TABLE') execute function refuse()`,
    steps: [
      row(85, { ...expand('users', 'full_name'), msg_id: 1 }, err(14, /not on my watch/i)),
      async (place) => {
        expect(await columns(place)).toBe('id name')
        await place.database.query('drop event trigger refuse')
      },
      row(
        '12, the refusal is kept',
        { ...expand('users', 'full_name'), msg_id: 1 },
        err(14, /not on my watch/i),
      ),
      row('85, a new request', { ...expand('users', 'full_name'), msg_id: 2 }, EXPANDED),
    ],
  },
  {
    title:
      'rows 20, 84: when nobody can know whether the last transaction was committed the reply is 13, and a retry finds out',
    steps: [
      async (place) => {
        const blocker = await place.database.session('blocker')
        await blocker.query('begin; select 1 from users limit 1')
        const message = { ...expand('users', 'full_name'), msg_id: 80 }
        say(place, message)
        await until(
          async () =>
            (
              await place.database.query(
                `select 1 from pg_stat_activity where application_name like 'bellows/%' and wait_event_type = 'Lock' and datname = current_database()`,
              )
            ).length > 0,
          'it is within its transaction',
        )
        await onServer(`alter database ${place.database.name} with allow_connections false`)
        await place.database.query(
          `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'bellows/%' and datname = current_database()`,
        )
        expect(await place.node.line()).toMatch(errorOf(13, 80))
        await onServer(`alter database ${place.database.name} with allow_connections true`)
        await blocker.query('commit')
        expect(await place.node.ask(message), 'row 20').toBe(to(80, EXPANDED))
      },
    ],
  },
  {
    title: 'sessions that were ended while nothing was under way are made again',
    steps: [
      row(1, expand('users', 'full_name'), EXPANDED),
      async (place) => {
        for (const [at, request] of [
          { type: 'status' },
          migrateData('name', 'full_name'),
          { type: 'instances' },
          { type: 'register_instance', instance: 'app-1', uses: ['users.id'] },
          contract('users', 'name'),
          { type: 'rollback' },
        ].entries()) {
          await place.database.query(
            `select pg_terminate_backend(pid) from pg_stat_activity where application_name like 'bellows/%' and datname = current_database()`,
          )
          await sleep(100)
          expect(await place.node.ask({ ...request, msg_id: 90 + at })).not.toContain('"error"')
        }
      },
    ],
  },
]

async function onServer(text: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() })
  await client.connect()
  try {
    await client.query(text)
  } finally {
    await client.end()
  }
}

describe('5.3 and rows 18 to 20, 86: several at the same time', () => {
  test.for(CONCURRENCY)('$title', (scenario) => play(scenario))
})

describe('rows 84, 85: the database says no, or nothing', () => {
  test.for(DATABASE)('$title', (scenario) => play(scenario))
})

const EVERYTHING: readonly Request[] = [
  expand('users', 'full_name'),
  migrateData('name', 'full_name'),
  contract('users', 'name'),
  { type: 'register_instance', instance: 'app-1', uses: ['users.name'] },
  { type: 'heartbeat', instance: 'app-1' },
  { type: 'deregister_instance', instance: 'app-1' },
  { type: 'instances' },
  { type: 'status' },
  { type: 'rollback' },
]

describe('row 83: a database that cannot be reached', () => {
  test.for<[string, () => readonly string[]]>([
    ['a server that is not there', () => ['--database', 'postgres://nobody@127.0.0.1:1/nowhere']],
    ['a database that is not there', () => ['--database', serverUrl().replace('/postgres', '/nowhere')]],
    ['a folder that holds something else', () => ['--data', foreignFolder()]],
  ])('%s: 11 for all that needs it', async ([, args]) => {
    const node = startNode(args())
    const place = { node, database: undefined as unknown as TestDatabase }
    await playOn(place, [
      ...EVERYTHING.map((request) => row(83, { ...request, msg_id: 5 }, err(11))),
      answered,
      row(
        '63, still',
        '{"type": "init", "msg_id": 1, "node_id": "n1"}',
        '{"type": "init_ok", "in_reply_to": 1}',
      ),
    ])
  })
})

function foreignFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'foreign-'))
  writeFileSync(path.join(folder, 'letter.txt'), 'Dear reader')
  cleanUp(async () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

describe('the ends of a node', () => {
  test('row 81: 10,000 lines in one write and then the end of the input: all are answered in the order of their source', async () => {
    const database = await testDatabase(DEMO)
    const node = startNode(['--database', database.url, ...FRESH])
    const sources = ['', 'c1', 'c2', 'c3']
    const sent = Array.from({ length: 10_000 }, (_, at) => {
      const src = sources[at % sources.length] as string
      const body =
        at % 7 === 0
          ? { type: 'heartbeat', instance: `i${at}`, msg_id: at }
          : { type: 'nonsense', msg_id: at }
      return { src, line: JSON.stringify(src === '' ? body : { src, dest: 'n', body }) }
    })
    const { code, lines } = await node.end(sent.map(({ line }) => `${line}\n`).join(''))
    expect(code).toBe(0)
    expect(lines).toHaveLength(10_001)
    const ids = lines.slice(0, -1).map((line) => Number(/"in_reply_to": (\d+)/.exec(line)?.[1]))
    expect(new Set(ids).size).toBe(10_000)
    for (const [at, src] of sources.entries()) {
      const own = ids.filter((id) => id % sources.length === at)
      expect(own, `in the order of "${src}"`).toEqual(own.toSorted((a, b) => a - b))
    }
  })

  test('row 82: when its reader goes away the node ends quietly, and the next one finds everything in order', async () => {
    const database = await testDatabase(SLOW)
    const node = startNode(['--database', database.url, ...FRESH])
    expect(await node.ask({ ...expand('users', 'full_name'), msg_id: 1 })).toBe(to(1, EXPANDED))
    say({ node }, { ...migrateData('name', 'full_name', { batch_size: 100 }), msg_id: 2 })
    await until(async () => (await rowsDone({ database })) > 0, 'the copy runs')
    node.child.stdout.destroy()
    say({ node }, from('app', 1, { type: 'heartbeat', instance: 'x' }))
    const [code, signal] = await once(node.child, 'exit')
    expect({ code, signal, stderr: node.stderr() }).toEqual({ code: 0, signal: null, stderr: '' })

    const next = startNode(['--database', database.url, ...FRESH])
    const line = await next.ask({ ...migrateData('name', 'full_name'), msg_id: 2 })
    expect([to(2, COPIED), to(2, again(COPIED))]).toContain(line)
    expect(await next.ask({ ...contract('users', 'name'), msg_id: 3 })).toBe(to(3, CONTRACTED))
  })

  test('row 88: who does not wait any longer is told so, the copy goes on, and the same message asks for its end', async () => {
    const database = await testDatabase(SLOW)
    const node = startNode(['--database', database.url, ...FRESH])
    const copy = { ...migrateData('name', 'full_name', { batch_size: 20, timeout_ms: 1_500 }), msg_id: 1 }
    expect(await node.ask(copy)).toMatch(errorOf(0, 1))
    const replies: string[] = []
    // Each attempt waits for the first one to end, as long as its own time lasts.
    for (let line = ''; !line.startsWith('{"type": "data_migrated"'); replies.push(line))
      line = await node.ask(copy)
    expect(replies.at(-1)).toBe(to(1, again(COPIED)))
    for (const line of replies.slice(0, -1)) expect(line).toMatch(errorOf(0, 1))
    expect((await node.end()).code).toBe(0)
  })

  test('row 88: what goes on is finished before the node ends', async () => {
    const database = await testDatabase(SLOW)
    const node = startNode(['--database', database.url, ...FRESH])
    const copy = { ...migrateData('name', 'full_name', { batch_size: 50, timeout_ms: 100 }), msg_id: 1 }
    const { code, lines, stderr } = await node.end(`${JSON.stringify(copy)}\n`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(lines[0]).toMatch(errorOf(0, 1))
    expect(await database.query('select version from bellows.version')).toEqual([
      { version: 1 },
      { version: 2 },
    ])
  })

  test('the end of the input while a copy runs: it is finished and answered first', async () => {
    const database = await testDatabase(SLOW)
    const node = startNode(['--database', database.url, ...FRESH])
    const { code, lines } = await node.end(
      `${JSON.stringify({ ...migrateData('name', 'full_name', { batch_size: 100 }), msg_id: 1 })}\n`,
    )
    expect({ code, lines }).toEqual({ code: 0, lines: [to(1, COPIED), ''] })
  })

  test.for(['SIGTERM', 'SIGINT'] as const)(
    'row 89: after %s the copy stops behind its batch, later requests get 11, and another node goes on',
    async (signal) => {
      const database = await testDatabase(SLOW)
      const node = startNode(['--database', database.url, ...FRESH])
      await node.ask({ ...expand('users', 'full_name'), msg_id: 1 })
      const holder = await heldRow({ node, database }, 41)
      say({ node }, { ...migrateData('name', 'full_name', { batch_size: 1 }), msg_id: 2 })
      await until(async () => (await rowsDone({ database })) === 40, 'the copy stands at row 41')
      node.signal(signal)
      let refused = ''
      for (let id = 10; !refused.includes('"code": 11'); id += 1)
        refused = await node.ask(from('late', id, { type: 'instances' }))
      expect(await node.ask(from('late', 2, expand('users', 'email')))).toMatch(errorOf(11, 2))
      await holder.query('commit')
      expect(await node.line(), 'a part of it is done').toMatch(
        /^\{"type": "error", "in_reply_to": 2, "code": 13, "text": ".*", "rows_done": 4[0-9]\}$/,
      )
      const { code, signal: by } = await node.ended
      expect({ code, by }).toEqual({ code: 0, by: null })

      const next = startNode(['--database', database.url, ...FRESH])
      expect(await next.ask({ ...migrateData('name', 'full_name'), msg_id: 2 })).toBe(to(2, COPIED))
    },
  )

  test.for(['SIGTERM', 'SIGINT'] as const)(
    '%s ends a node that has nothing to do, also its server',
    async (signal) => {
      const node = startNode()
      await node.ask({ type: 'status', msg_id: 1 })
      node.signal(signal)
      expect(await node.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
    },
  )

  test('SIGTERM while a request waits for another node: nothing was begun', async () => {
    const database = await testDatabase(DEMO)
    const [first, second] = [0, 1].map(() => startNode(['--database', database.url, ...FRESH])) as [
      NodeProcess,
      NodeProcess,
    ]
    await first.ask({ ...expand('users', 'full_name'), msg_id: 1 })
    const holder = await heldRow({ node: first, database }, 41)
    say({ node: first }, { ...migrateData('name', 'full_name', { batch_size: 1 }), msg_id: 2 })
    await until(async () => (await rowsDone({ database })) === 40, 'the copy stands at row 41')
    await second.ask({ type: 'instances', msg_id: 0 })
    say({ node: second }, { ...contract('users', 'name'), msg_id: 1 })
    await sleep(100)
    second.signal('SIGTERM')
    expect(await second.line()).toMatch(errorOf(11, 1))
    expect(await second.ended).toMatchObject({ code: 0 })
    await holder.query('commit')
    expect(await first.line()).toBe(to(2, COPIED))
  })
})
