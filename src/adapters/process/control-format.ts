import { z } from 'zod'
import type { Call } from './control.ts'

const id = z.string()
const placement = z.object({
  id,
  role: z.string(),
  slot: z.number().int().positive(),
  version: z.string(),
})

export const callFormat: z.ZodType<Call> = z.discriminatedUnion('call', [
  z.object({ call: z.literal('fleet') }),
  z.object({ call: z.literal('start'), placement }),
  z.object({ call: z.enum(['serve', 'drain', 'stop', 'forget']), id }),
  z.object({ call: z.literal('log'), id, lines: z.number().int().nonnegative() }),
])
