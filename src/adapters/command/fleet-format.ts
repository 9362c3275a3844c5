import { z } from 'zod'

/** One instance as the command for `fleet` prints it. What it leaves out is counted here, from one look to the next. */
const instance = z.object({
  id: z.string().min(1),
  role: z.string().min(1),
  slot: z.number().int().positive(),
  version: z.string().min(1),
  state: z.enum(['starting', 'serving', 'draining', 'stopping', 'gone']),
  /** Absent or null: it could not be told. */
  healthy: z.boolean().nullish(),
  /** What the health check that failed said. */
  error: z.string().nullish(),
  inFlight: z.number().int().nonnegative().nullish(),
  ended: z.string().nullish(),
})

export type PrintedInstance = z.infer<typeof instance>

export const fleetFormat = z.array(instance)
