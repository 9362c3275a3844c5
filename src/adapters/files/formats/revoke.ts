import { z } from 'zod'
import { name, privileges } from './shared.ts'

export const revoke = z.strictObject({
  ...privileges,
  from: z.array(name).min(1),
  grant_option_for: z.boolean().optional(),
})
