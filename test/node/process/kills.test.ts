import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROWS_DONE } from '../../support/catalog.ts'
import { keptUrl, type NodeProcess, queryAt, startNode, until } from '../../support/node-process.ts'
import {
  again,
  CONTRACTED,
  COPIED,
  contract,
  EXPANDED,
  expand,
  migrateData,
  type Request,
} from './scenario.ts'

/** T8 of the protocol: a node that keeps its database in a folder is killed anywhere, started again and told the same again. */

const MORE_ROWS = 4_000
/** Few rows of many pages, so that a copy has many batches, each with its checkpoint. */
const BATCH = 25

const MESSAGES: readonly Request[] = [
  { ...expand('users', 'full_name'), msg_id: 1 },
  { ...migrateData('name', 'full_name', { batch_size: BATCH }), msg_id: 2 },
  { ...contract('users', 'name'), msg_id: 3 },
]

interface Killing {
  readonly title: string
  /** More than the demo's own rows: the copy takes long enough to be met. */
  readonly isLarge?: true
  /** Messages that are answered before. */
  readonly answered: number
  /** The message after these is sent, and the node is killed when this ends; absent: before it is sent. */
  readonly when?: (at: Moment) => Promise<unknown>
}

interface Moment {
  readonly node: NodeProcess
  readonly ask: (query: string) => Promise<number>
}

const bytes =
  (count: number) =>
  ({ node }: Moment): Promise<void> =>
    until(() => node.rest().length >= count, `${count} bytes of the reply were written`)

/** Checks as fast as it can; a node that was faster is killed behind the point, which must do no harm either. */
const holds =
  (query: string) =>
  async ({ node, ask }: Moment): Promise<void> =>
    until(async () => node.rest() !== '' || (await ask(query).catch(() => 0)) > 0, query)

const filled = (rows: number) => holds(`select ((${ROWS_DONE}) >= ${rows})::int as n`)

const KILLINGS: readonly Killing[] = [
  { title: 'before the first message', answered: 0 },
  { title: 'as soon as the first message is sent', answered: 0, when: async () => {} },
  { title: 'at the first byte of the first reply', answered: 0, when: bytes(1) },
  { title: 'before the second message', answered: 1 },
  {
    title: 'when the copy has begun its run',
    answered: 1,
    when: holds('select count(*) - 1 as n from bellows.run'),
  },
  { title: 'in the first batches of the copy', isLarge: true, answered: 1, when: filled(1) },
  { title: 'in the middle of the copy', isLarge: true, answered: 1, when: filled(2_000) },
  { title: 'near the end of the copy', isLarge: true, answered: 1, when: filled(4_900) },
  { title: 'within the bytes of the second reply', answered: 1, when: bytes(20) },
  { title: 'before the third message', answered: 2 },
  {
    title: 'when the door to the old column is closed',
    answered: 2,
    when: holds(`select count(*) as n from bellows.column_state where state in ('retiring', 'retired')`),
  },
  {
    title: 'when the old column is hidden',
    answered: 2,
    when: holds(`select count(*) as n from bellows.event where event ->> 'step' like '%/retire/%'`),
  },
  { title: 'at the last byte of the third reply', answered: 2, when: bytes(CONTRACTED.length + 1) },
]

let folders: string

beforeAll(async () => {
  folders = mkdtempSync(path.join(tmpdir(), 'kills-'))
  chmodSync(folders, 0o711)
})

afterAll(() => rmSync(folders, { recursive: true, force: true }))

/** A folder with the demo as a first start leaves it. Made once, as that takes longest; then copied. */
async function keptFolder({ isLarge }: Killing): Promise<string> {
  const template = path.join(folders, isLarge === true ? 'large' : 'small')
  const folder = mkdtempSync(path.join(folders, 'data-'))
  rmSync(folder, { recursive: true })
  if (spawnSync('cp', ['-a', template, folder]).status !== 0) {
    await makeTemplate(template, isLarge === true)
    const copy = spawnSync('cp', ['-a', template, folder], { encoding: 'utf8' })
    expect(copy.status, copy.stderr).toBe(0)
  }
  return folder
}

async function makeTemplate(template: string, isLarge: boolean): Promise<void> {
  const node = startNode(['--data', template])
  // A reply says that the demo is filled.
  await node.ask({ type: 'status', msg_id: 1 })
  if (isLarge) {
    await queryAt(
      await keptUrl(template),
      `insert into users (name) select 'User ' || i from generate_series(1001, 1000 + ${MORE_ROWS}) i`,
    )
  }
  expect((await node.end()).code).toBe(0)
}

async function killed(folder: string, { answered, when }: Killing): Promise<void> {
  const node = startNode(['--data', folder, '--allow-no-instances'])
  for (const message of MESSAGES.slice(0, answered)) await node.ask(message)
  if (when !== undefined) {
    const url = await keptUrl(folder)
    const ask = async (query: string): Promise<number> =>
      Number((await queryAt<{ n: number }>(url, query))[0]?.n)
    node.write(`${JSON.stringify(MESSAGES[answered])}\n`)
    await when({ node, ask })
  }
  expect((await node.kill()).signal).toBe('SIGKILL')
}

describe('T8: a node is killed', () => {
  test.for(KILLINGS)('$title, and does all of it once when it is told again', async (killing) => {
    const folder = await keptFolder(killing)
    await killed(folder, killing)

    const node = startNode(['--data', folder, '--allow-no-instances'])
    const replies: string[] = []
    for (const message of MESSAGES) replies.push(await node.ask(message))
    const rows = killing.isLarge === true ? 1_000 + MORE_ROWS : 1_000
    const wanted = [EXPANDED, COPIED.replace('1000', String(rows)), CONTRACTED].map((reply, at) => {
      const said = reply.replace('N', String(at + 1))
      // What was answered before comes from the history; of the message that was cut short nobody can know.
      const isKnown = at < killing.answered || (at === killing.answered && replies[at] === again(said))
      return isKnown ? again(said) : said
    })
    expect(replies).toEqual(wanted)

    expect(
      await queryAt(
        await keptUrl(folder),
        `select (select count(*) from users where full_name = 'User ' || id)::int as original, (select count(*) from users)::int as rows,
            (select string_agg(version || ' ' || name, ', ' order by version) from bellows.version) as versions,
            (select string_agg(column_name, ' ' order by ordinal_position) from information_schema.columns
               where table_name = 'users') as columns,
            (select count(*) from pg_trigger where tgrelid = 'users'::regclass)::int as triggers`,
      ),
    ).toEqual([
      {
        original: rows,
        rows,
        versions: '1 add_full_name_column, 2 copy_name_to_full_name, 3 remove_name_column',
        columns: 'id full_name',
        triggers: 0,
      },
    ])
    expect((await node.end()).code).toBe(0)
    rmSync(folder, { recursive: true, force: true })
  })
})
