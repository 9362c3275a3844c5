import { z } from 'zod'
import { columnRules, expression, name, onTable, reasoned } from './shared.ts'

export const addColumn = z.strictObject({
  ...onTable,
  column: name,
  type: name,
  nullable: z.boolean().default(true),
  default: expression.optional(),
  up: expression.optional(),
  generated: expression.optional(),
  stored: z.literal(true).optional(),
  identity: z.enum(['always', 'by_default']).optional(),
  collation: name.optional(),
  comment: name.optional(),
  ...reasoned,
  ...columnRules,
})
