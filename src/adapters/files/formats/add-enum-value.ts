import { z } from 'zod'
import { name, namespace } from './shared.ts'

export const addEnumValue = z.strictObject({
  namespace,
  type: name,
  value: name,
  before: name.optional(),
  after: name.optional(),
})
