import { z } from 'zod'
import { columnRules, expression, name, onTable, reasoned } from './shared.ts'

/** What changes the values is no matter of the catalog alone. */
const ofValues = z
  .never({ error: 'a change of the values or their type is the operation change_type' })
  .optional()

export const alterColumn = z.strictObject({
  ...onTable,
  column: name,
  nullable: z.boolean().optional(),
  default: expression.nullable().optional(),
  comment: z.string().nullable().optional(),
  statistics: z.int().optional(),
  storage: z.enum(['plain', 'external', 'extended', 'main']).optional(),
  compression: z.enum(['pglz', 'lz4']).nullable().optional(),
  ...reasoned,
  ...columnRules,
  type: ofValues,
  collation: ofValues,
  up: ofValues,
  down: ofValues,
})
