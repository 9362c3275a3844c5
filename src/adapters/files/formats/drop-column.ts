import { z } from 'zod'
import { expression, name, onTable, reasoned } from './shared.ts'

export const dropColumn = z.strictObject({
  ...onTable,
  column: name,
  down: expression.optional(),
  ...reasoned,
})
