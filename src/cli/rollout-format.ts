import { z } from 'zod'

const ms = z.number().int().nonnegative()
const count = z.number().int().nonnegative()
const share = z.union([
  z.number().int().positive(),
  z.string().regex(/^\d+(\.\d+)?%$/, 'it must be a number, or a share such as 25%'),
])
/** A line for the shell, or a program with its arguments. */
export const command = z.union([z.string().min(1), z.array(z.string()).nonempty()])

/** Of `checks`. */
export const checkFormat = z.union([
  z.strictObject({ name: z.string().min(1), sql: z.string().min(1) }),
  z.strictObject({ name: z.string().min(1), http: z.url() }),
  z.strictObject({ name: z.string().min(1), command }),
])

/** `deploy.rollout` of the config file: the names are those of `RolloutRules`, where each is explained. */
export const rolloutFormat = z
  .strictObject({
    batch: share,
    order: z.enum(['start-first', 'stop-first']),
    minAvailablePercent: z.number().min(0).max(100),
    canary: z.strictObject({ instances: count, pauseMs: z.union([ms, z.literal('manual')]) }).partial(),
    startupDeadlineMs: ms,
    health: z
      .strictObject({ success: z.number().int().positive(), failure: z.number().int().positive() })
      .partial(),
    minHealthyMs: ms,
    pauseBetweenMs: ms,
    progressDeadlineMs: ms,
    retries: count,
    maxFailures: count,
    onFailure: z.enum(['rollback', 'pause', 'continue']),
    drainTimeoutMs: ms,
    stopTimeoutMs: ms,
    bakeMs: ms,
    checks: z.array(checkFormat),
    checkTimeoutMs: ms,
    checkRetryMs: ms,
    checkUnknownsMax: z.number().int().positive(),
    history: count,
    pollMs: z.number().int().positive(),
    logLines: count,
  })
  .partial()

/** `deploy.command`: a command for each step, and how many instances of each role there shall be. */
export const commandFormat = z.strictObject({
  roles: z.record(z.string().regex(/^\w[\w-]*$/), z.number().int().nonnegative()),
  start: command,
  serve: command.optional(),
  drain: command.optional(),
  stop: command,
  fleet: command,
  log: command.optional(),
  timeoutMs: z.number().int().positive().optional(),
  healthIntervalMs: z.number().int().positive().optional(),
})

export type CommandSection = z.output<typeof commandFormat>
