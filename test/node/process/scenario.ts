import { expect } from 'vitest'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { type NodeProcess, startNode } from '../../support/node-process.ts'

/** What the embedded demo holds, for databases of the common server, which are faster to make. */
export const DEMO = `create table users (id bigint generated always as identity primary key, name text not null);
  insert into users (name) select 'User ' || i from generate_series(1, 1000) i`

export type Request = Readonly<Record<string, unknown>>

export const expand = (table: unknown, column: unknown, more: Request = {}): Request => ({
  type: 'migrate',
  phase: 'expand',
  table,
  add_column: column,
  ...more,
})

export const migrateData = (from: unknown, to: unknown, more: Request = {}): Request => ({
  type: 'migrate',
  phase: 'migrate_data',
  from,
  to,
  ...more,
})

export const contract = (table: unknown, column: unknown, more: Request = {}): Request => ({
  type: 'migrate',
  phase: 'contract',
  table,
  remove_column: column,
  ...more,
})

/** The replies of the three messages, with N for the id of the request. */
export const EXPANDED =
  '{"type": "migration_applied", "in_reply_to": N, "version": 1, "name": "add_full_name_column", "schema": "users (name, full_name NULL)", "backward_compatible": true}'
export const COPIED = '{"type": "data_migrated", "in_reply_to": N, "version": 2, "rows_migrated": 1000}'
export const CONTRACTED =
  '{"type": "migration_applied", "in_reply_to": N, "version": 3, "name": "remove_name_column", "schema": "users (full_name)"}'

/** The same reply from the history. */
export const again = (reply: string): string => `${reply.slice(0, -1)}, "already_applied": true}`

/** An error, whose text the protocol leaves open but for what must be in it. */
export interface ErrorReply {
  readonly code: number
  readonly text: string | RegExp
  /** Keys after the text, as they are written. */
  readonly more: string
}

export const err = (code: number, text: string | RegExp = /./, more = ''): ErrorReply => ({
  code,
  text,
  more,
})

/** `undefined` says that nothing is written. A figure that nobody can know before is written as `#`. */
export type Reply = string | ErrorReply | undefined

/** A row of the protocol's table. */
export interface Row {
  readonly row: number | string
  /** A text is sent as it is, with a newline behind it. */
  readonly send: Request | string
  readonly reply: Reply
  /** To whom the reply goes in an envelope of `n1`; absent where it comes bare. */
  readonly to?: string
}

export const row = (number: number | string, send: Request | string, reply: Reply, to?: string): Row => ({
  row: number,
  send,
  reply,
  ...(to === undefined ? {} : { to }),
})

export interface Place {
  readonly node: NodeProcess
  readonly database: TestDatabase
}

/** A step between two requests, once everything before it is answered. */
export type Step = Row | ((place: Place) => Promise<unknown>)

/** Between requests of different sources, which are not answered in one order. */
export const answered = async (): Promise<void> => {}

export interface Scenario {
  readonly title: string
  readonly given?: string
  readonly args?: readonly string[]
  readonly steps: readonly Step[]
}

/** `--allow-no-instances` stands for the demo database that is new, where nobody can be whom we did not start. */
export const FRESH = ['--allow-no-instances']

/** Plays a scenario on a database of its own, compares all replies at once, and lets the node end. */
export async function play({ given = DEMO, args = FRESH, steps }: Scenario): Promise<void> {
  const database = await testDatabase(given)
  const node = startNode(['--database', database.url, ...args])
  await playOn({ node, database }, steps)
}

interface Played {
  readonly row: number | string
  readonly reply: string | undefined
}

/** Rows one behind the other go out in one write: one source is answered in the order in which it asked. */
export async function playOn(place: Place, steps: readonly Step[]): Promise<void> {
  const seen: Played[] = []
  const wanted: Played[] = []
  let lastId = 0
  for (let at = 0; at < steps.length; ) {
    const step = steps[at] as Step
    if (typeof step === 'function') {
      expect(seen).toEqual(wanted)
      await step(place)
      at += 1
      continue
    }
    const rows: Row[] = []
    for (let next = steps[at]; next !== undefined && typeof next !== 'function'; next = steps[at]) {
      rows.push(next)
      at += 1
    }
    const sent = rows.map((one) => {
      if (typeof one.send === 'string') {
        const id = /"msg_id": ?([^,}\s]+)/.exec(one.send)?.[1]
        return { ...one, line: one.send, id: Number.isFinite(Number(id)) ? String(Number(id)) : id }
      }
      lastId += 1
      const id = 'msg_id' in one.send ? one.send.msg_id : lastId
      return { ...one, line: JSON.stringify({ ...one.send, msg_id: id }), id: String(id) }
    })
    place.node.write(sent.map(({ line }) => `${line}\n`).join(''))
    for (const one of sent) {
      if (one.reply === undefined) continue
      const [before, after] =
        one.to === undefined ? ['', ''] : [`{"src": "n1", "dest": ${JSON.stringify(one.to)}, "body": `, '}']
      const line = await place.node.line()
      const isWrapped = line.startsWith(before) && line.endsWith(after)
      const body = isWrapped ? line.slice(before.length, line.length - after.length) : line
      const [actual, expected] = compared(body, one.reply, one.id)
      seen.push({ row: one.row, reply: isWrapped ? `${before}${actual}${after}` : line })
      wanted.push({ row: one.row, reply: `${before}${expected}${after}` })
    }
  }
  const { code, stderr } = await place.node.end()
  expect(seen).toEqual(wanted)
  expect({ surplus: place.node.rest(), code }, stderr).toEqual({ surplus: '', code: 0 })
}

/** What was said and what was wanted, in a form in which they are equal when the protocol is kept. */
function compared(
  line: string,
  reply: string | ErrorReply,
  id: string | undefined,
): readonly [string, string] {
  const named = (text: string): string => text.replace('"in_reply_to": N', () => `"in_reply_to": ${id}`)
  if (typeof reply === 'string') return [withoutFigures(line, reply), named(reply)]
  const { code, text, more } = reply
  const said = /"text": ("(?:[^"\\]|\\.)*")/.exec(line)?.[1] ?? '""'
  const asWanted = typeof text === 'string' ? JSON.stringify(text) : `"${text.source}"`
  const isSo = typeof text === 'string' || text.test(JSON.parse(said) as string)
  const tail = more === '' ? '' : `, ${more}`
  return [
    withoutFigures(isSo && typeof text !== 'string' ? line.replace(said, () => asWanted) : line, more),
    named(`{"type": "error", "in_reply_to": N, "code": ${code}, "text": ${asWanted}${tail}}`),
  ]
}

/** Puts `#` where the wanted reply has it. */
function withoutFigures(line: string, wanted: string): string {
  return [...wanted.matchAll(/("\w+"): #/g)].reduce(
    (text, [, key]) => text.replace(new RegExp(`${key}: [\\d.]+`), `${key}: #`),
    line,
  )
}
