import { type Command, InvalidArgumentError } from 'commander'
import type { SettingsChange } from '../config.ts'
import { CHECK_NAMES, NEVER_OVERRIDDEN, type Override } from '../index.ts'
import { filled, time } from './flags.ts'

/** Flags for what counts as evidence that nobody needs the old shape. */
export interface EvidenceFlags {
  readonly silentGrace?: number
  readonly allowNoInstances?: string
  readonly quiet?: number
  readonly override?: readonly Overridden[]
  readonly reason?: string
  readonly standby?: readonly string[]
  /** The version that is to stay. */
  readonly to?: string
}

/** A check, or one instance of `leases`, as a flag names it. */
type Overridden = Omit<Override, 'reason'>

export function addEvidenceFlags(command: Command): Command {
  return command
    .option(
      '--silent-grace <time>',
      'a silent instance without sessions counts as gone after so long (default: 10min)',
      time,
    )
    .option('--quiet <time>', 'nothing may have used the old shape for so long (default: 1min)', time)
    .option('--standby <url>', 'a standby that applications read from, too; may be repeated', collected)
    .option(
      '--allow-no-instances <reason>',
      'go on although no instance was ever registered that uses the table; a contract keeps the reason in the journal',
      filled,
    )
    .option(
      '--override <check>',
      'go on although this check is not green, such as sessions, or leases:<instance>; may be repeated, needs --reason',
      overridden,
    )
    .option('--reason <why>', 'why; a contract keeps it with the evidence, see "bellows audit"')
    .hook('preAction', (_program, chosen) => {
      const { override = [], reason = '' }: EvidenceFlags = chosen.opts()
      if (override.length > 0 && reason.trim() === '')
        chosen.error(
          'error: an override was given without a reason. Say why, for whoever reads the audit: --reason "<why>"',
        )
    })
}

/** For a command that rolls nothing out itself. */
export function addStayingFlag(command: Command): Command {
  return command.option(
    '--to <version>',
    'the version of the application that is to stay, where no "bellows deploy" of this migration says so',
    filled,
  )
}

export function evidenceSettings({
  silentGrace,
  allowNoInstances,
  quiet,
  override = [],
  reason,
  to,
}: EvidenceFlags): SettingsChange {
  return {
    gate: {
      ...(silentGrace === undefined ? {} : { silentGraceMs: silentGrace }),
      ...(quiet === undefined ? {} : { quietMs: quiet }),
      ...(reason === undefined ? {} : { reason }),
      ...(allowNoInstances === undefined ? {} : { whenNoneRegistered: 'allow', reason: allowNoInstances }),
      ...(to === undefined ? {} : { version: to }),
      ...(reason === undefined ? {} : { overrides: override.map((one) => ({ ...one, reason })) }),
    },
  }
}

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

/** `sessions`, or `leases:web-1`: whoever is there can be gone without only by name. */
function overridden(text: string, before: readonly Overridden[] = []): readonly Overridden[] {
  const [name, ...rest] = text.split(':')
  const instance = rest.join(':')
  const check = CHECK_NAMES.find((one) => one === name)
  if (check === undefined)
    throw new InvalidArgumentError(`There is no check "${name}"; there are ${CHECK_NAMES.join(', ')}.`)
  if (NEVER_OVERRIDDEN.some((one) => one === check))
    throw new InvalidArgumentError(`Nobody can go on without the check "${check}".`)
  if (check === 'leases' && instance === '')
    throw new InvalidArgumentError(
      'Say which instance: leases:<instance>. Where none was ever registered that uses the table: --allow-no-instances "<why>".',
    )
  return [...before, check === 'leases' ? { check, instance } : { check }]
}
