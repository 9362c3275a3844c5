import { z } from 'zod'
import { name, namespace, reasoned } from './shared.ts'

export const removeEnumValue = z.strictObject({
  namespace,
  type: name,
  value: name,
  becomes: name.nullable(),
  ...reasoned,
})
