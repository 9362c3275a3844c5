import { z } from 'zod'
import { name, namespace } from './shared.ts'

export const renameEnumValue = z.strictObject({
  namespace,
  type: name,
  from: name,
  to: name,
  unsafe: name.optional(),
})
