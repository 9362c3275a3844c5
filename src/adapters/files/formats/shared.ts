import { z } from 'zod'
import { PRIVILEGES } from '../../../core/operations/grant/privileges.ts'
import { REFERENTIAL_ACTIONS, RULE_TIMES } from '../../../core/operations/rules/rule.ts'

/** A PostgreSQL schema. */
export const namespace = z.string().default('public')

/** What every operation on a table says first. */
export const onTable = { namespace, table: z.string().min(1) }

export const name = z.string().min(1)

/** Of what may change all partitions of a table at once: why everybody may wait for so long. */
export const reasoned = { unsafe: name.optional() }

/** An SQL expression that may be written as a plain number or truth value. */
export const expression = z
  .union([z.string(), z.number(), z.boolean()])
  // YAML reads a number as a double; what it cannot hold exactly would be another value.
  .refine((value) => typeof value !== 'number' || isExact(value), {
    message: 'write a number of more than 15 digits in quotes',
  })
  .transform(String)

/** A double holds fifteen digits as they were written. */
function isExact(value: number): boolean {
  if (Number.isInteger(value)) return Number.isSafeInteger(value)
  const [digits = ''] = String(value).split('e')
  return digits.replace('.', '').replace(/^-?0*/, '').length <= 15
}

/** What of a column is to be another. */
export const retype = {
  type: name.optional(),
  collation: name.optional(),
  nullable: z.literal(false).optional(),
  up: expression.optional(),
  down: expression.optional(),
  ...reasoned,
}

/** Where a foreign key points to, and what happens to it with the row there. */
export const references = {
  ...onTable,
  on_delete: z.enum(REFERENTIAL_ACTIONS).optional(),
  on_update: z.enum(REFERENTIAL_ACTIONS).optional(),
  match: z.enum(['simple', 'full']).optional(),
}

/** What an operation on one column may say about its values. */
export const columnRules = {
  when: z.enum(RULE_TIMES).optional(),
  check: z.strictObject({ name: name.optional(), constraint: expression }).optional(),
  unique: z.strictObject({ name: name.optional() }).optional(),
  references: z.strictObject({ ...references, name: name.optional(), column: name }).optional(),
}

/** What may be done with one thing. */
export const privileges = {
  namespace,
  on: name,
  columns: z.array(name).min(1).optional(),
  privileges: z.array(z.enum(PRIVILEGES)).min(1),
}
