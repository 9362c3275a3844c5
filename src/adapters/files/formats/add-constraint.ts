import { z } from 'zod'
import { DEFERRABLE, RULE_TIMES } from '../../../core/operations/rules/rule.ts'
import { expression, name, onTable, reasoned, references } from './shared.ts'

const columns = z.array(name).min(1)

export const addConstraint = z.strictObject({
  ...onTable,
  name: name.optional(),
  when: z.enum(RULE_TIMES).optional(),
  check: expression.optional(),
  unique: columns.optional(),
  primary_key: columns.optional(),
  foreign_key: z.strictObject({ columns, references: z.strictObject({ ...references, columns }) }).optional(),
  exclude: z.string().optional(),
  include: columns.optional(),
  nulls_not_distinct: z.boolean().optional(),
  deferrable: z.enum(DEFERRABLE).optional(),
  ...reasoned,
})
