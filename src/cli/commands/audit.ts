import type { Command } from 'commander'
import { type AuditEntry, called } from '../../index.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { throttleText } from '../render/throttle.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

export function addAudit(program: Command): void {
  addDatabaseFlags(program.command('audit'))
    .description(
      'what was gone without when a column was hidden, which unsafe statements ran, what was slowed, and which instances were released by hand: who, when, why, and what was seen then',
    )
    .action((flags: DatabaseFlags) =>
      inSession('audit', flags, {}, async ({ bellows, terminal }) => {
        const entries = await bellows.audit()
        if (flags.json === true) printJson({ overrides: entries })
        else terminal.out(entries.length === 0 ? NONE : entries.map(lines).join('\n'))
        return EXIT.done
      }),
    )
}

const NONE = 'No check was ever gone without.'

function lines(entry: AuditEntry): string {
  if ('throttle' in entry) return throttleLines(entry)
  if ('lease' in entry) return releaseLines(entry)
  if (!('because' in entry)) return overrideLines(entry)
  const { at, migration, step, role, because } = entry
  return [
    `${at}  ${migration}  ${step} ran as role ${role}`,
    ...because.map((sentence) => `    unsafe: ${sentence}`),
  ].join('\n')
}

type Throttled = Extract<AuditEntry, { throttle: unknown }>

function throttleLines({ at, migration, throttle, reason, role, actor }: Throttled): string {
  const why = reason === undefined || reason === null ? '' : `: ${reason}`
  return [`${at}  ${migration}  ${throttleText(throttle)}${why}`, byLine(role, actor)].join('\n')
}

type Released = Extract<AuditEntry, { lease: unknown }>

function releaseLines({ at, instance, reason, lease, role, actor }: Released): string {
  const { application, version, host, state, over_at, uses } = lease
  const of = [application, version, host === undefined ? undefined : `on ${host}`].filter(
    (one) => one !== undefined,
  )
  return [
    `${at}  the instance "${instance}" was released by hand${reason === null ? '' : `: ${reason}`}`,
    byLine(role, actor),
    `    seen: ${[state, ...of].join(' ')}, its lease ${state === 'live' ? 'went on until' : 'was over at'} ${over_at}, it used ${uses.join(', ') || 'nothing'}`,
  ].join('\n')
}

function byLine(role: string, { user, host, tool, pipeline }: Released['actor']): string {
  return `    by ${user}@${host} as role ${role}, with ${tool}${pipeline === undefined ? '' : `, ${pipeline}`}`
}

type Override = Exclude<AuditEntry, { because: readonly string[] } | Throttled | Released>

function overrideLines({
  at,
  migration,
  column,
  check,
  instance,
  setting,
  reason,
  role,
  actor,
  evidence,
}: Override): string {
  const what = instance === undefined ? `without ${check}` : `without ${check}:${instance}`
  const how = setting === undefined ? what : `with the check ${check} loosened (${setting})`
  return [
    `${at}  ${migration}  ${leaverOf(column)} ${how}: ${reason}`,
    byLine(role, actor),
    ...evidence.flatMap(({ because }) => because.map((sentence) => `    seen: ${sentence}`)),
  ].join('\n')
}

function leaverOf({ namespace, table, column, thing }: Override['column']): string {
  if (thing !== undefined) return thing
  return called({ table: { namespace, name: table }, ...(column === undefined ? {} : { column }) })
}
