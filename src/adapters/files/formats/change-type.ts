import { z } from 'zod'
import { name, onTable, retype } from './shared.ts'

export const changeType = z.strictObject({
  ...onTable,
  column: name,
  ...retype,
  overlap: z.literal('forward_only').optional(),
})
