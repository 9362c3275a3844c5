import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { cleanUp, type TestDatabase, testDatabase } from '../../support/database.ts'
import { randomOf } from '../../support/network/random.ts'
import { type Body, type Network, type Outcome, openNetwork } from '../../support/network.ts'
import { builtMain, nodeEnvironment } from '../../support/node-process.ts'
import { createFleet, type Fleet, type Instance, type Rows } from './applications.ts'
import { contract, expand, migrateData, type Request } from './scenario.ts'
import { problemOf } from './well-formed.ts'

/**
 * Random schedules: two nodes on one database, three administrators, instances of two versions of an application, and faults.
 * What is random comes from the seed, which every failure names; when things happen comes from the machine.
 */

const SEEDS = Array.from({ length: Number(process.env.BELLOWS_SEEDS ?? 3) }, (_, at) => at + 1)
const ROWS = 400
const NODES = ['n1', 'n2'] as const
const ADMINS = ['a1', 'a2', 'a3'] as const
/** An administrator asks no longer than this for what does not come; then all faults are over and the last one asks. */
const ADMIN_MS = 12_000
const CALL_MS = 2_500

/** Who filled a row is written down beside it, so that the rows that the copy says it set can be counted. */
const GIVEN = `
  create table users (id bigint generated always as identity primary key, pad text not null default repeat('.', 300), name text not null);
  insert into users (name) select 'User ' || i from generate_series(1, ${ROWS}) i;
  ${ADMINS.map((admin) => `create table ${admin} (id int primary key, name text); insert into ${admin} values (1, 'x'), (2, 'y');`).join('\n')}
  create table copied (id bigint);
  create function count_copied() returns trigger language plpgsql as $$
  begin
    if current_setting('application_name') like 'bellows/%' and to_jsonb(old) ->> 'full_name' is null
      and to_jsonb(new) ->> 'full_name' is not null then insert into public.copied values (new.id); end if;
    return null;
  end $$;
  create trigger zzz_count after update on users for each row execute function count_copied();
  analyze`

interface Asked {
  readonly admin: string
  readonly request: Request
  readonly outcome: Outcome
}

interface Stage {
  readonly seed: number
  readonly database: TestDatabase
  readonly network: Network
  readonly fleet: Fleet
  readonly asked: Asked[]
  readonly random: (name: string) => () => number
  isOver: boolean
}

async function openStage(seed: number): Promise<Stage> {
  const database = await testDatabase(GIVEN)
  const command = [process.execPath, builtMain(), 'node', '--database', database.url] as const
  const network = openNetwork({
    seed,
    nodes: Object.fromEntries(NODES.map((node) => [node, command])),
    env: nodeEnvironment(),
    duplicates: 0.25,
    delays: 0.3,
    delayMaxMs: 150,
    initTimeoutMs: 30_000,
    callTimeoutMs: CALL_MS,
    lifetimeMs: 110_000,
  })
  cleanUp(() => network.close().catch(() => undefined))
  const random = (name: string) => randomOf(seed, name)
  const stage = { seed, database, network, random, asked: [], isOver: false }
  return { ...stage, fleet: createFleet(database, random('fleet')) }
}

const pick = <T>(random: () => number, from: readonly T[]): T => from[Math.floor(random() * from.length)] as T

async function ask({ network, asked, random }: Stage, admin: string, request: Request): Promise<Outcome> {
  const node = pick(random(`node ${asked.length} of ${admin}`), NODES)
  const outcome = await network.client(admin).call(node, request as Body)
  asked.push({ admin, request, outcome })
  return outcome
}

const THREE: readonly [Request, Request, Request] = [
  expand('users', 'full_name'),
  migrateData('name', 'full_name', { table: 'users', batch_size: 20 }),
  contract('users', 'name'),
]

/** Asks for the three phases until the last one is done, with other requests in between, as an administrator in a hurry would. */
async function administrate(stage: Stage, admin: string): Promise<void> {
  const random = stage.random(admin)
  const end = performance.now() + ADMIN_MS
  for (let count = 0, phase = 0; phase < THREE.length && performance.now() < end; count += 1) {
    const isOwn = random() < 0.4
    const request = isOwn ? ownRequest(random, admin, count) : { ...THREE[phase], ...bounds(random) }
    const outcome = await ask(stage, admin, request)
    if (!isOwn && outcome.kind === 'ok') phase += 1
    await sleep(random() * 60)
  }
}

/** Each has a column of its own that nothing else makes, so that one can tell later whether it was done. */
function ownRequest(random: () => number, admin: string, count: number): Request {
  const column = `c${count}`
  return pick(random, [
    expand(admin, column, bounds(random)),
    expand(admin, column, bounds(random)),
    migrateData('name', column, { table: admin, ...bounds(random) }),
    contract(admin, 'name', { to: column, with_prerequisites: true }),
    expand(admin, column, { nullable: false }),
    contract(admin, column),
    { type: 'status' },
    { type: 'heartbeat', instance: `nobody of ${admin}` },
    { type: 'register_instance', instance: `tool of ${admin}`, uses: [`${admin}.name`] },
  ])
}

const bounds = (random: () => number): Request => ({
  ...(random() < 0.3 ? { max_lock_duration_ms: 50 + Math.floor(random() * 400) } : {}),
  ...(random() < 0.2 ? { timeout_ms: 20 + Math.floor(random() * 300) } : {}),
})

/** One fault after the other until it is over. A node that was ended is started again and initialised again. */
async function makeTrouble(stage: Stage): Promise<void> {
  const { network, random: of, database } = stage
  const random = of('trouble')
  const faults = [
    async (node: string) => {
      const at = pick(random, ['delivery', 'line', 'byte'] as const)
      const most = { delivery: 12, line: 8, byte: 900 }[at]
      const killed = network.kill(node, { at, count: 1 + Math.floor(random() * most) })
      await Promise.race([killed, sleep(600)])
      await network.restart(node)
    },
    async (node: string) => network.restart(node),
    async (node: string) => {
      network.pause(node)
      await sleep(random() * 700)
      network.resume(node)
    },
    async (node: string) => {
      const { code } = await network.closeInput(node)
      expect(code, `seed ${stage.seed}: ${node} ends by itself with 0`).toBe(0)
      await network.restart(node)
    },
    async (node: string) =>
      network.write(node, `garbage {"type":\n[1]\n{"type":"migrate"}\n${'x'.repeat(5_000)}\n`),
    async () => {
      const reader = await database.session('a long reader')
      await reader.query('begin; select 1 from users limit 1')
      await sleep(random() * 500)
      await reader.end()
    },
  ]
  while (!stage.isOver) {
    await pick(random, faults)(pick(random, NODES))
    await sleep(random() * 300)
  }
}

const COPY_STANDS = `select from bellows.version where name = 'copy_name_to_full_name' and facts #>> '{table,name}' = 'users'`

/** The old version runs from the start; each instance gives its rows to one of the new version as soon as that may join. */
async function deploy({ database, fleet }: Stage): Promise<() => Promise<readonly Instance[]>> {
  const old: Instance[] = []
  for (const first of [1, 1 + ROWS / 2]) {
    const instance = await fleet.join(`old ${first}`, 'name')
    instance.serve(new Map(Array.from({ length: ROWS / 2 }, (_, at) => [first + at, `User ${first + at}`])))
    old.push(instance)
  }
  return async () => {
    // Added alone, a column may be one that nobody will ever fill; only whoever copies to it knows that it is to be waited for.
    while ((await database.query(COPY_STANDS)).length === 0) await sleep(20)
    const renewed: Instance[] = []
    for (const instance of old) {
      // It joins beside the old one, which goes when the new one may serve.
      const next = await fleet.join(instance.name.replace('old', 'new'), 'full_name')
      next.serve(await instance.stop())
      renewed.push(next)
    }
    return renewed
  }
}

/** Asks until it is done: there are no faults any more. */
async function insist(stage: Stage, request: Request): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const outcome = await ask(stage, 'last', request)
    if (outcome.kind === 'ok') return
    await sleep(100)
  }
  throw new Error(`seed ${stage.seed}: ${JSON.stringify(request)} is never done`)
}

/** The copy may have stopped short of making the column ready for those who wait to join; the same message goes on with it. */
async function whileAsking<T>(stage: Stage, request: Request, wanted: Promise<T>): Promise<T> {
  const pause = sleep(500).then(() => undefined)
  const answer = await Promise.race([wanted, pause])
  if (answer !== undefined) return answer
  await insist(stage, request)
  return whileAsking(stage, request, wanted)
}

async function run(stage: Stage): Promise<readonly Rows[]> {
  const { network } = stage
  await network.start()
  await insist(stage, { type: 'instances' })
  const deployed = (await deploy(stage))()
  const trouble = makeTrouble(stage)
  try {
    await Promise.all(ADMINS.map((admin) => administrate(stage, admin)))
  } finally {
    stage.isOver = true
    await trouble
  }
  for (const request of THREE.slice(0, 2)) await insist(stage, request)
  const instances = await whileAsking(stage, THREE[1], deployed)
  for (const request of THREE) await insist(stage, request)
  await sleep(50)
  return Promise.all(instances.map((instance) => instance.stop()))
}

describe('random schedules', () => {
  test.for(SEEDS)('seed %i: what the protocol promises holds', async (seed) => {
    const stage = await openStage(seed)
    const rows = await run(stage).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.stack : String(error)}`)
    })
    await stage.network.close()
    const found = await problems(stage, rows)
    expect(found, `seed ${seed}`).toEqual([])
    const { network, asked, fleet } = stage
    const times = (event: string) => network.journal.filter((entry) => entry.event === event).length
    console.info(
      `seed ${seed}: ${asked.length} requests, ${times('killing')} kills, ${times('paused')} pauses, ${times('duplicated')} duplicates, ${fleet.statements()} statements of applications`,
    )
  })
})

/** Everything that must hold, each with what does not. */
async function problems(stage: Stage, rows: readonly Rows[]): Promise<readonly string[]> {
  return [
    ...stage.fleet.failures,
    ...formProblems(stage),
    ...(await historyProblems(stage)),
    ...(await countProblems(stage)),
    ...(await refusalProblems(stage)),
    ...(await gateProblems(stage)),
    ...(await valueProblems(stage, rows)),
  ]
}

function formProblems({ network }: Stage): readonly string[] {
  return [...ADMINS, 'last'].flatMap((admin) =>
    network.client(admin).received.flatMap(({ body }) => {
      const problem = problemOf(body)
      return problem === undefined ? [] : [`${JSON.stringify(body)}: ${problem}`]
    }),
  )
}

interface Recorded {
  readonly version: number
  readonly name: string
  readonly table: string
  readonly rows: number | null
}

async function history({ database }: Stage): Promise<readonly Recorded[]> {
  return database.query<Recorded & Record<string, unknown>>(
    `select version, name, facts #>> '{table,name}' as table, (facts ->> 'rows')::int as rows from bellows.version order by version`,
  )
}

/** Numbers without a gap, each name once for a table, and every reply that said so was right. */
async function historyProblems(stage: Stage): Promise<readonly string[]> {
  const versions = await history(stage)
  const named = versions.map(({ table, name }) => `${table}: ${name}`)
  const wrong = versions
    .filter(({ version }, at) => version !== at + 1)
    .map(({ version }) => `version ${version} is out of order`)
  const twice = named.filter((name, at) => named.indexOf(name) !== at).map((name) => `${name} was made twice`)
  const lies = stage.asked.flatMap(({ request, outcome }) => {
    if (outcome.kind !== 'ok' || outcome.body.version === undefined) return []
    const { version, name, rows_migrated } = outcome.body
    const record = versions.find((one) => one.version === version)
    const isRight =
      record !== undefined &&
      (name === undefined || name === record.name) &&
      (rows_migrated === undefined || rows_migrated === record.rows) &&
      (request.table === undefined || request.table === record.table)
    return isRight
      ? []
      : [`${JSON.stringify(outcome.body)} is not what the history says: ${JSON.stringify(record)}`]
  })
  return [...wrong, ...twice, ...lies]
}

/** The copy says how many rows it set; each of them was set once. */
async function countProblems(stage: Stage): Promise<readonly string[]> {
  const record = (await history(stage)).find(
    ({ table, name }) => table === 'users' && name === 'copy_name_to_full_name',
  )
  const [copied] = await stage.database.query(
    'select count(*)::int as rows, count(distinct id)::int as ids from copied',
  )
  if (copied?.rows === record?.rows && copied?.ids === record?.rows) return []
  return [`the copy says that it set ${record?.rows} rows; it set ${copied?.rows}, of ${copied?.ids} ids`]
}

/** Of what was refused for good nothing is there; of what was done everything. A message that the network delivers twice may be refused once. */
async function refusalProblems({ asked, database, network }: Stage): Promise<readonly string[]> {
  const found = await database.query<{ table: string; column: string }>(
    `select table_name as table, column_name as column from information_schema.columns where table_schema = 'public'`,
  )
  const isThere = (table: unknown, column: unknown): boolean =>
    found.some((one) => one.table === table && one.column === column)
  const isTwice = (admin: string, id: unknown): boolean =>
    network.journal.some(
      ({ event, message }) => event === 'duplicated' && message?.src === admin && message.body.msg_id === id,
    )
  return asked.flatMap(({ admin, request, outcome }) => {
    const column = request.add_column ?? request.to
    if (request.table !== admin || column === undefined || outcome.kind === 'timeout') return []
    const isDone = isThere(admin, column)
    if (outcome.kind === 'ok')
      return isDone ? [] : [`${JSON.stringify(outcome.body)}, and the column is not there`]
    if (!outcome.isDefinite || isTwice(admin, outcome.body.in_reply_to) || !isDone) return []
    return [`${JSON.stringify(request)} was refused with ${JSON.stringify(outcome.body)}, and is done`]
  })
}

/** The old column was hidden after the last instance that used it had gone. */
async function gateProblems({ database }: Stage): Promise<readonly string[]> {
  return (
    await database.query<{ instance: string }>(
      `select i.instance from bellows.instance i
         where i.instance like 'old %' and (i.released_at is null or i.released_at > (
           select min(e.at) from bellows.event e join bellows.version v on v.run = e.run
             where v.name = 'remove_name_column' and v.facts #>> '{table,name}' = 'users' and e.event ->> 'step' like '%/retire/%'
               and e.event ->> 'type' = 'step_done'))`,
    )
  ).map(({ instance }) => `the column was hidden while "${instance}" used it`)
}

async function valueProblems({ database }: Stage, rows: readonly Rows[]): Promise<readonly string[]> {
  const wanted = new Map(rows.flatMap((one) => [...one]))
  const found = await database.query<{ id: string; full_name: string }>('select id, full_name from users')
  const wrong = found.filter(({ id, full_name }) => full_name !== wanted.get(Number(id)))
  return [
    ...wrong.map(({ id, full_name }) => `row ${id} holds "${full_name}" and not "${wanted.get(Number(id))}"`),
    ...(found.length === wanted.size
      ? []
      : [`${wanted.size} rows were written, and ${found.length} are there`]),
  ]
}
