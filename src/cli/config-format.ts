import { z } from 'zod'
import { kubernetesFormat } from './kubernetes-format.ts'
import { processesFormat } from './processes-format.ts'
import { checkFormat, command, commandFormat, rolloutFormat } from './rollout-format.ts'

const ms = z.number().int().nonnegative()
const count = z.number().int().positive()

const lock = z.strictObject({
  canaryTimeoutMs: count,
  heldTimeoutMs: count,
  pauseMaxMs: ms,
  deadlineMs: count,
})
const batch = z.strictObject({
  rows: z.union([count, z.literal('by_time')]),
  targetMs: count,
  workers: count,
  verifyRows: count,
  lockTimeoutMs: count,
  statementTimeoutMs: count,
  horizonMs: count,
  attemptsMax: count,
  passesMax: count,
  onBadRow: z.enum(['stop', 'quarantine']),
  quarantineMax: count,
})
const limit = z.union([z.number().positive(), z.literal('off')])
const brake = z.strictObject({
  pollMs: count,
  blindMs: count,
  pauseMaxMs: count,
  replayLagMs: limit,
  replayLagBytes: limit,
  slotBytes: limit,
  archiveFiles: limit,
  lockWaitMs: limit,
  vacuum: z.enum(['pause', 'slower', 'off']),
  deadPercent: z.union([z.number().positive().max(100), z.literal('off')]),
  horizonMs: limit,
  commitMs: limit,
  activeBackends: limit,
  diskReserveBytes: limit,
  diskBytes: count,
  checks: z.array(checkFormat),
  checkTimeoutMs: count,
})
const driver = z.strictObject({
  heartbeatMs: count,
  staleMs: count,
  waitMs: ms,
  pollMs: count,
  reconnectsMax: ms,
})
const gate = z.strictObject({
  silentGraceMs: ms,
  doorMs: count,
  whenNoneRegistered: z.enum(['refuse', 'allow']),
  reason: z.string(),
  unregistered: z.enum(['refuse', 'allow']),
  quietMs: ms,
  quietAloneMs: ms,
  transactionsMs: ms,
})

/** `bellows.config.yaml`: the names are those of `Settings` in src/engine/settings.ts, where each is explained. */
export const configFormat = z.strictObject({
  database: z.string().optional(),
  migrations: z.string().optional(),
  standbys: z.array(z.string()).optional(),
  appUrl: z.string().optional(),
  deploy: z
    .strictObject({
      kubernetes: kubernetesFormat,
      processes: processesFormat,
      command: commandFormat,
      rollout: rolloutFormat,
      notify: command,
    })
    .partial()
    .optional(),
  settings: z
    .strictObject({
      lock: lock.partial(),
      holdTimeoutMs: count,
      scanTimeoutMs: count,
      batch: batch.partial(),
      brake: brake.partial(),
      driver: driver.partial(),
      gate: gate
        .partial()
        .refine(
          ({ whenNoneRegistered, reason = '' }) => whenNoneRegistered !== 'allow' || reason.trim() !== '',
          {
            path: ['reason'],
            message: 'say why, for whoever reads the audit',
          },
        ),
      graceMs: ms,
    })
    .partial()
    .optional(),
})
