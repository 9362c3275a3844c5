import { z } from 'zod'
import { name, privileges } from './shared.ts'

export const grant = z.strictObject({
  ...privileges,
  to: z.array(name).min(1),
  with_grant_option: z.boolean().optional(),
})
