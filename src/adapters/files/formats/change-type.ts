import { z } from 'zod'
import { expression, name, onTable } from './shared.ts'

export const changeType = z.strictObject({
  ...onTable,
  column: name,
  type: name.optional(),
  collation: name.optional(),
  nullable: z.literal(false).optional(),
  up: expression.optional(),
  down: expression.optional(),
  overlap: z.literal('forward_only').optional(),
})
