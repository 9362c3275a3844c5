import { expect } from 'vitest'
import { BellowsError, type ErrorCode } from '../../src/core/errors.ts'
import type { Migration, Operation } from '../../src/core/operations/migration.ts'
import type { Step } from '../../src/core/plan/step.ts'
import type { Bellows } from '../../src/engine/bellows.ts'
import type { TestDatabase } from './database.ts'

/**
 * Planning again is empty. By its name the migration is in the history, so nothing is left of it, whatever it was; that says nothing
 * of the database. So each operation is planned by another name, too: it finds what it is to make there, or what it is to take away
 * gone, and is refused for that; or all that it would do is done already. What may stand twice is told by its kind.
 */
export async function plannedAgain(
  database: TestDatabase,
  bellows: Bellows,
  migration: Migration,
): Promise<void> {
  const { steps, rollback } = await bellows.plan(migration)
  expect([...steps, ...rollback], 'planning again is empty').toEqual([])
  for (const op of migration.operations)
    expect(
      await leftOf(database, bellows, op),
      `nothing is left of ${op.kind}: ${JSON.stringify(op)}`,
    ).toEqual([])
}

/** What an operation would still do, or why it is refused where that is not because it was done. */
async function leftOf(database: TestDatabase, bellows: Bellows, op: Operation): Promise<readonly string[]> {
  try {
    const { steps } = await bellows.plan({ name: '0002_again', operations: [op] })
    return mayStandTwice(op) ? [] : await toDo(database, steps)
  } catch (error) {
    if (!(error instanceof BellowsError)) throw error
    return problemsOf(error)
      .filter((problem) => !isDone(op, problem))
      .map(({ code, message }) => `${code}: ${message}`)
  }
}

async function toDo(database: TestDatabase, steps: readonly Step[]): Promise<readonly string[]> {
  const left: string[] = []
  for (const { probe, does } of steps) {
    const [answer] = await database.query<{ is: boolean }>(`select (${probe}) as is`)
    if (answer?.is !== true) left.push(does)
  }
  return left
}

type Problem = Pick<BellowsError, 'code' | 'message'>

/** Each by itself, where there are several. */
function problemsOf(error: BellowsError): readonly Problem[] {
  return (error.facts.problems as readonly Problem[] | undefined) ?? [error]
}

/** These say of themselves what is there, or not there. */
const TELLING: readonly ErrorCode[] = [
  'column_exists',
  'column_not_found',
  'constraint_not_found',
  'table_not_found',
]

function isDone({ kind }: Operation, { code, message }: Problem): boolean {
  return TELLING.includes(code) || DONE[kind]?.test(message) === true
}

/** How a refusal of each kind says that it is so already, where its code says less. */
const DONE: Partial<Readonly<Record<Operation['kind'], RegExp>>> = {
  add_constraint: / already\b|^The name ".*" is taken: |Column ".*" does not exist\.$/,
  alter_column:
    /has no default\.$|(?:has the default .*|is NOT NULL|is nullable) already\.$|^The name ".*" is taken: /,
  alter_domain: /has no (?:default|check ".*")\.$|has (?:that default|a check ".*") already\.$/,
  attach_partition: /is a partition, which/,
  // By hand: what was made of the old type is not made of the new, and into a domain nothing goes twice.
  change_type: /"(?:up|down)" \(.*\) cannot be used: |is of a domain with constraints; /,
  create_index: / already\b|Column ".*" does not exist\.$/,
  create_object: /^There is a .* already\.$/,
  create_table: /^There is already a table |^The name ".*" of the partition is taken /,
  detach_partition: /is no partition of /,
  drop_index: /has no index /,
  drop_object: /^There is no /,
  grant: /they have all that already\.$|^There is no table /,
  remove_enum_value: /has no value /,
  rename_enum_value: /has a value .* already\.$|has no value /,
  rename_index: /has no index /,
  replace_index: /has this definition already\.$/,
  revoke: /so there is nothing to revoke\.$/,
  sql: /is done already, by its probe/,
}

/** Another one of the same, what goes through an expression once more, and what is stated as a whole. */
function mayStandTwice(op: Operation): boolean {
  switch (op.kind) {
    case 'add_constraint':
      return op.name === undefined
    case 'alter_column':
      return [op.check, op.unique, op.references].some(
        (rule) => rule !== undefined && rule.name === undefined,
      )
    case 'create_index':
      return / index (?:concurrently )?on /i.test(op.definition)
    case 'change_type':
      return op.up !== undefined
    // The same.
    case 'replace_object':
      return true
    default:
      return false
  }
}
