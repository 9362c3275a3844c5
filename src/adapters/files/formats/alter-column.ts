import { z } from 'zod'
import { RULE_TIMES } from '../../../core/operations/rules/rule.ts'
import { expression, name, onTable, references } from './shared.ts'

/** What changes the values is no matter of the catalog alone. */
const ofValues = z
  .never({ error: 'a change of the values or their type is the operation change_type' })
  .optional()

export const alterColumn = z.strictObject({
  ...onTable,
  column: name,
  when: z.enum(RULE_TIMES).optional(),
  nullable: z.boolean().optional(),
  default: expression.nullable().optional(),
  comment: z.string().nullable().optional(),
  statistics: z.int().optional(),
  storage: z.enum(['plain', 'external', 'extended', 'main']).optional(),
  compression: z.enum(['pglz', 'lz4']).nullable().optional(),
  check: z.strictObject({ name: name.optional(), constraint: expression }).optional(),
  unique: z.strictObject({ name: name.optional() }).optional(),
  references: z.strictObject({ ...references, name: name.optional(), column: name }).optional(),
  type: ofValues,
  collation: ofValues,
  up: ofValues,
  down: ofValues,
})
