import type { SettingsChange } from '../../../src/config.ts'
import type { Bellows } from '../../../src/engine/bellows.ts'
import type { TestDatabase } from '../../support/database.ts'
import { type Effect, faultyBellows } from '../../support/faulty-ports.ts'
import type { Clones, OpenDatabase } from './clones.ts'

/** What a process that was killed leaves in the database. */
export interface State {
  /** A copy of the database as it was then. */
  readonly database: string
  /** Where a crash leaves just this: before and after an effect, such as `before 12 read runs`. */
  readonly points: readonly string[]
}

export interface Crashes {
  readonly states: readonly State[]
  readonly effects: readonly Effect[]
}

/**
 * Lives a life once and keeps a copy of the database at every point where the process could be killed: before an effect is
 * sent, and after the server has answered. Points between which not one row of catalog, journal or table was written are one
 * state, and need one copy. At each copy all sessions of the engine are ended without a word; then it goes on with new ones.
 */
export async function crashStates(
  clones: Clones,
  database: string,
  settings: SettingsChange,
  life: (bellows: Bellows) => Promise<void>,
): Promise<Crashes> {
  const states: { database: string; points: string[] }[] = []
  let watcher: OpenDatabase = await clones.open(database)
  let last = ''

  const look = async (): Promise<void> => {
    const now = await fingerprint(watcher)
    if (now === last) return
    last = now
    await watcher.close()
    states.push({ database: await clones.copyOfLive(database), points: [] })
    watcher = await clones.open(database)
    await faulty.reconnect()
  }
  // While rows are filled it is asked from time to time, beside that, how far all are: nobody is killed in the middle of another effect.
  let underWay = 0
  let looking = Promise.resolve()
  const faulty = faultyBellows(
    watcher.url,
    {
      // Nobody writes between two effects, so this is the state that the effect before it left.
      before: async (effect) => {
        await looking
        underWay += 1
        states.at(-1)?.points.push(`before ${named(effect)}`)
      },
      after: async (effect) => {
        if (underWay > 1) return
        looking = look()
        await looking
        states.at(-1)?.points.push(`after ${named(effect)}`)
      },
      over: () => {
        underWay -= 1
      },
    },
    { settings },
  )
  try {
    await look()
    await life(faulty.bellows)
  } finally {
    await faulty.bellows.close()
    await watcher.close()
  }
  return { states, effects: faulty.effects }
}

function named({ at, kind, what }: Effect): string {
  return `${at} ${kind} ${what.replaceAll(/\s+/g, ' ')}`
}

const CATALOGS = [
  'namespace',
  'class',
  'attribute',
  'attrdef',
  'constraint',
  'index',
  'trigger',
  'proc',
  'type',
  'enum',
  'rewrite',
]
/** Not `driver` and `heartbeat`: that somebody drives changes nothing for whoever comes after. */
const JOURNAL = ['run', 'event', 'checkpoint', 'column_state', 'door', 'instance', 'instance_use']

/** Which row versions there are: whoever writes anything changes it. */
async function fingerprint(database: TestDatabase): Promise<string> {
  const [there] = await database.query<{ there: boolean }>(
    `select to_regclass('bellows.meta') is not null as there`,
  )
  const tables = [
    ...CATALOGS.map((name) => `pg_${name}`),
    ...(there?.there === true ? JOURNAL.map((name) => `bellows.${name}`) : []),
    'public.users',
  ]
  const rows = tables.map((name) => `select '${name}' || xmin || ctid as row from ${name}`)
  const [answer] = await database.query<{ md5: string }>(
    `select md5(string_agg(row, ' ' order by row collate "C")) from (${rows.join(' union all ')}) all_rows`,
  )
  return answer?.md5 ?? ''
}
