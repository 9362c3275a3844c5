import { z } from 'zod'
import { name, namespace } from './shared.ts'

export const runSql = z.strictObject({
  namespace,
  up: name,
  down: name.optional(),
  irreversible: name.optional(),
  phase: z.enum(['expand', 'contract']).default('expand'),
  probe: name.optional(),
  outside_transaction: z.literal(true).optional(),
  unsafe: name.optional(),
})
