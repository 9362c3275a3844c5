import type { Bellows, DemoDatabase } from '../../index.ts'
import { grouped } from '../render/progress.ts'
import type { AppInstance } from './fleet.ts'
import type { Served } from './load.ts'

/** What the demo claims, and whether it held. */
export interface Claim {
  readonly claim: string
  readonly held: boolean
}

/** What there was to begin with, and what the clients did since. */
interface Outcome {
  readonly rows: number
  readonly instances: number
  readonly served: Served
}

/** Holds against the database and the fleet what the demo claims of them. */
export async function checkClaims(
  bellows: Bellows,
  database: DemoDatabase,
  { rows, instances, served }: Outcome,
  fleet: readonly AppInstance[],
): Promise<readonly Claim[]> {
  const columns =
    (await bellows.table({ namespace: 'public', name: 'users' }))?.columns.map(({ name }) => name) ?? []
  const wrong = await wrongRows(database, { rows, served })
  return [
    {
      claim: `${grouped(served.requests)} requests served, ${grouped(served.failures.length)} failed`,
      held: served.failures.length === 0,
    },
    { claim: `${grouped(wrong)} rows differ from what was written, or are missing`, held: wrong === 0 },
    {
      claim: 'the old column is gone, the new one is there',
      held: !columns.includes('name') && columns.includes('full_name'),
    },
    {
      claim: 'all instances run version 2',
      held: fleet.length === instances && fleet.every(({ version }) => version === 2),
    },
  ]
}

/** Compares the whole table with what the clients wrote, and with the first contents where they wrote nothing. */
async function wrongRows(
  database: DemoDatabase,
  { rows: first, served: { written } }: Pick<Outcome, 'rows' | 'served'>,
): Promise<number> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  try {
    const { rows } = await client.query(
      `with w as (select * from unnest($2::bigint[], $3::text[]) as w (id, name)),
            wanted as (select id, coalesce(w.name, 'User ' || id) as name from generate_series(1, $1::bigint) as s (id) full join w using (id))
       select count(*)::int as wrong from wanted full join users u using (id) where u.full_name is distinct from wanted.name`,
      [first, [...written.keys()], [...written.values()]],
    )
    return (rows[0] as { wrong: number }).wrong
  } finally {
    await client.end()
  }
}
