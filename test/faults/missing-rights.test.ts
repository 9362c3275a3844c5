import { expect, test } from 'vitest'
import { OPERATION_KINDS } from '../../src/core/operations/index.ts'
import { catalog } from '../support/catalog.ts'
import { shopDatabase, type TestDatabase } from '../support/database.ts'
import { operationCases } from '../support/operation-cases.ts'
import { OWNER } from '../support/shop-roles.ts'
import { forthAndBack, planned } from '../support/traced-life.ts'

const SETTINGS = {
  batch: { rows: 200, verifyRows: 500 },
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
} as const

/** Of each kind the first one, and those that make something beside a table or point at another one. */
const CASES = OPERATION_KINDS.flatMap((kind) =>
  operationCases(kind).flatMap((one, at) =>
    at === 0 || /sequence|foreign key/.test(one.name) ? [[kind, one.name, one] as const] : [],
  ),
)

/** A right of the role that Bellows logs in as, taken from it and given back; `%` stands for each of the names that are found. */
interface Right {
  readonly of?: string
  readonly take: string
  readonly give: string
}

const relations = (where: string) =>
  `select c.oid::regclass::text as name from pg_class c where relnamespace = 'public'::regnamespace and relname <> 'companion' and ${where}`
const owned = (of: string, what: string, more = ''): Right => ({
  of,
  take: `alter ${what} % owner to postgres; ${more}`,
  give: `alter ${what} % owner to ${OWNER}`,
})
const granted = (right: string): Right => ({
  take: `revoke ${right} from ${OWNER}, public`,
  give: `grant ${right} to ${OWNER}`,
})

const RIGHTS: Readonly<Record<string, Right>> = {
  'owner of the tables': owned(
    relations(`relkind in ('r', 'p', 'v')`),
    'table',
    `grant all on % to ${OWNER}`,
  ),
  'REFERENCES on the other table': owned(
    relations(`relname = 'teams'`),
    'table',
    `grant select on % to ${OWNER}`,
  ),
  'owner of the functions': owned(
    `select p.oid::regprocedure::text as name from pg_proc p where pronamespace = 'public'::regnamespace`,
    'function',
  ),
  'owner of the types': owned(
    `select t.oid::regtype::text as name from pg_type t where typnamespace = 'public'::regnamespace and typtype in ('d', 'e')`,
    'type',
  ),
  'owner of a sequence': owned(relations(`relname = 'spare'`), 'sequence'),
  'USAGE on the schema': granted('usage on schema public'),
  'CREATE on the schema': granted('create on schema public'),
  'CREATE on the database': granted('create on database %'),
  'temporary tables': granted('temporary on database %'),
}

async function changed({ name, query }: TestDatabase, { of }: Right, text: string): Promise<void> {
  const found = of === undefined ? [{ name }] : await query<{ name: string }>(of)
  for (const one of found) await query(text.replaceAll('%', one.name))
}

/** How to mend it, in SQL. */
const MEND =
  /\b(?:grant (?:create on schema|usage on schema|references(?:, select)? on) \S+ to|alter .+ owner to) /

/** Namespaces have privileges, too, and who gives them must be their owner. */
const OF_OWNER = `reset session authorization; alter schema public owner to ${OWNER}; set session authorization ${OWNER}`

test.for(CASES)(
  'a right that is missing is told before anything runs, or it is not needed: %s, %s',
  async ([, , one]) => {
    const { database, migration, plan } = await planned(one, (...setUp) => shopDatabase(OF_OWNER, ...setUp))
    const bellows = await database.bellows({ settings: SETTINGS })
    await bellows.change((driver) => driver.setBaseline({}))
    const spared: Right[] = []
    for (const [name, right] of Object.entries(RIGHTS)) {
      await changed(database, right, right.take)
      const before = await catalog(database)
      const told = await bellows.plan(migration).catch((error: unknown) => error)
      if (!(told instanceof Error)) spared.push(right)
      else expect(told, name).toMatchObject({ code: 'plan_refused', hint: expect.stringMatching(MEND) })
      expect(await catalog(database), name).toEqual(before)
      await changed(database, right, right.give)
    }

    for (const right of spared) await changed(database, right, right.take)
    // The server is asked with one of these two, and says so where both are missing.
    await changed(
      database,
      RIGHTS['CREATE on the database'] as Right,
      `grant create on database % to ${OWNER}`,
    )
    await bellows.change((driver) => forthAndBack(driver, migration, plan))
    expect((await bellows.run(migration.name))?.state).toBe('completed')
  },
)
