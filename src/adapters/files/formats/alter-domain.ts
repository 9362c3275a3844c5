import { z } from 'zod'
import { expression, name, namespace } from './shared.ts'

export const alterDomain = z.strictObject({
  namespace,
  domain: name,
  default: expression.nullable().optional(),
  check: z.strictObject({ name, constraint: expression }).optional(),
  drop_check: name.optional(),
})
