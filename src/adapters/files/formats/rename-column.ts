import { z } from 'zod'
import { name, onTable, retype } from './shared.ts'

export const renameColumn = z.strictObject({
  ...onTable,
  from: name,
  to: name,
  ...retype,
  transform: z.enum(['copy', 'trim', 'upper', 'lower']).optional(),
  overlap: z.literal('forward_only').optional(),
})
