import type { Bellows, DemoDatabase, FleetInstance } from '../../index.ts'
import { grouped } from '../render/figures.ts'
import type { GateLooks } from './gate-looks.ts'
import type { Served } from './load.ts'
import { INSTANCES } from './site.ts'

/** What the demo claims, and whether it held. */
export interface Claim {
  readonly claim: string
  readonly held: boolean
}

/** What there was to begin with, and what was seen since. */
export interface Outcome {
  readonly rows: number
  readonly version: string
  readonly served: Served
  readonly looks: GateLooks
  readonly fleet: readonly FleetInstance[]
}

/** Holds against the database, the fleet and what was seen what the demo claims of them. */
export async function checkClaims(
  bellows: Bellows,
  database: DemoDatabase,
  { rows, version, served, looks, fleet }: Outcome,
): Promise<readonly Claim[]> {
  const columns =
    (await bellows.table({ namespace: 'public', name: 'users' }))?.columns.map(({ name }) => name) ?? []
  const wrong = await wrongRows(database, rows, served)
  const living = fleet.filter(({ state }) => state !== 'gone')
  const failed = served.failures.length
  return [
    {
      claim: `${grouped(requestsOf(served))} requests served, ${grouped(failed)} failed`,
      held: failed === 0,
    },
    { claim: `${grouped(wrong)} rows differ from what was written, or are missing`, held: wrong === 0 },
    {
      claim: `the gate was closed in all ${grouped(looks.closed + looks.open)} looks at it while the old version was there`,
      held: looks.closed > 0 && looks.open === 0,
    },
    {
      claim: 'the old column is gone, the new one is there',
      held: !columns.includes('name') && columns.includes('full_name'),
    },
    {
      claim: `all instances run version ${version}`,
      held:
        living.length === INSTANCES &&
        living.every((one) => one.state === 'serving' && one.version === version),
    },
  ]
}

function requestsOf({ stretches }: Served): number {
  return stretches.flatMap(({ answered }) => [...answered.values()]).reduce((sum, count) => sum + count, 0)
}

/** Compares the whole table with what the clients wrote, and with the first contents where they wrote nothing. */
async function wrongRows(database: DemoDatabase, first: number, { written }: Served): Promise<number> {
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
