import { BellowsError, isServerLost, messageOf } from '../../core/errors.ts'
import { join, lit, type Sql, sql, trusted } from '../../core/sql.ts'
import type { Look, Reading, SignalsAsked } from '../../core/throttle/readings.ts'
import type { Signals } from '../../engine/ports.ts'
import { type DiskReader, diskReader } from './disk.ts'
import type { Sessions } from './sessions.ts'
import { COMMIT_ONCE, type QueriedSignal, SIGNAL_QUERIES } from './signal-queries.ts'

/** Looks at the signals of a server, all in one query while each of them can be read. */
export function postgresSignals(sessions: Sessions, measuring: Sessions): Pick<Signals, 'look' | 'tell'> {
  const disk = diskReader(sessions, measuring)
  return {
    look: async (asked) => {
      const { nowMs, readings } = await look(sessions, asked)
      return {
        ...(nowMs === undefined ? {} : { nowMs }),
        readings: { ...readings, ...(await readDisk(disk, asked)) },
      }
    },
    tell: async (run, { pace, because }) => {
      await sessions.send(
        pace === 'go'
          ? sql`delete from bellows.brake where run = ${lit(run)}`
          : sql`insert into bellows.brake (run, pace, because) values (${lit(run)}, ${lit(pace)}, ${lit(JSON.stringify(because))})
  on conflict (run) do update set pace = excluded.pace, because = excluded.because, at = pg_catalog.clock_timestamp()`,
      )
    },
  }
}

async function look(sessions: Sessions, asked: SignalsAsked): Promise<Look> {
  const unread = await measureCommit(sessions, asked)
  const names = asked.signals.filter((name) => name !== 'disk').filter((name) => !(name in unread))
  try {
    const { nowMs, ...values } = await read(sessions, asked, names)
    return { nowMs, readings: { ...unread, ...valuesAsRead(values) } }
  } catch (error) {
    if (isUnanswered(error)) throw error
    return await oneByOne(sessions, asked, { names, unread })
  }
}

type Readings = Look['readings']

/** What one of them is refused must not hide what the others say. */
async function oneByOne(
  sessions: Sessions,
  asked: SignalsAsked,
  { names, unread }: { readonly names: readonly QueriedSignal[]; readonly unread: Readings },
): Promise<Look> {
  let readings = unread
  for (const name of names) readings = { ...readings, ...(await readAlone(sessions, asked, name)) }
  const { nowMs } = await read(sessions, asked, [])
  return { nowMs, readings }
}

async function readAlone(sessions: Sessions, asked: SignalsAsked, name: QueriedSignal): Promise<Readings> {
  try {
    const { nowMs: _, ...values } = await read(sessions, asked, [name])
    return valuesAsRead(values)
  } catch (error) {
    if (isUnanswered(error)) throw error
    return { [name]: { unread: messageOf(error) } }
  }
}

async function readDisk(disk: DiskReader, asked: SignalsAsked): Promise<Readings> {
  if (!asked.signals.includes('disk')) return {}
  try {
    return { disk: { value: await disk(asked) } }
  } catch (error) {
    if (isServerLost(error)) throw error
    return { disk: { unread: messageOf(error) } }
  }
}

async function measureCommit(sessions: Sessions, { signals }: SignalsAsked): Promise<Readings> {
  if (!signals.includes('commit')) return {}
  try {
    await sessions.send(COMMIT_ONCE)
    return {}
  } catch (error) {
    if (isUnanswered(error)) throw error
    return { commit: { unread: messageOf(error) } }
  }
}

type Values = Readonly<Record<string, unknown>> & { readonly nowMs: number; readonly commit?: unknown }

async function read(
  sessions: Sessions,
  asked: SignalsAsked,
  names: readonly QueriedSignal[],
): Promise<Values> {
  const columns: readonly Sql[] = [
    sql`extract(epoch from pg_catalog.clock_timestamp()) * 1000 as ${trusted('"nowMs"')}`,
    ...names.map((name) => sql`${SIGNAL_QUERIES[name](asked)} as ${trusted(`"${name}"`)}`),
  ]
  const [row] = await sessions.read<Values>(sql`select ${join(columns)}`)
  if (row === undefined) throw new BellowsError('statement_failed', 'The server gave no answer.')
  if (row.commit === null)
    throw new BellowsError('connection_lost', 'The session in which a commit was measured has gone.')
  return row
}

function valuesAsRead(values: Readonly<Record<string, unknown>>): Readings {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, hiddenIn(name, value) ?? { value }]),
  )
}

/** That a standby is there is seen by everybody, how it follows is not. */
function hiddenIn(name: string, value: unknown): Reading<never> | undefined {
  const isHidden =
    name === 'replicas' && (value as readonly { isHidden: boolean }[]).some((one) => one.isHidden)
  return isHidden
    ? { unread: 'the role may not see how they follow: grant pg_read_all_stats to it' }
    : undefined
}

/** Then nothing can be read at all, and what is no answer of the server says nothing of a signal. */
function isUnanswered(error: unknown): boolean {
  return isServerLost(error) || !(error instanceof BellowsError)
}
