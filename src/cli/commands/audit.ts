import type { Command } from 'commander'
import { type AuditEntry, called } from '../../index.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { throttleText } from '../render/throttle.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

export function addAudit(program: Command): void {
  addDatabaseFlags(program.command('audit'))
    .description(
      'what was gone without when a column was hidden, which unsafe statements ran, and what was slowed: who, when, why, and what was seen then',
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
  return [
    `${at}  ${migration}  ${throttleText(throttle)}${why}`,
    `    by ${actor.user}@${actor.host} as role ${role}, with ${actor.tool}`,
  ].join('\n')
}

type Override = Exclude<AuditEntry, { because: readonly string[] } | Throttled>

function overrideLines({
  at,
  migration,
  column,
  check,
  instance,
  reason,
  role,
  actor,
  evidence,
}: Override): string {
  const what = instance === undefined ? check : `${check}:${instance}`
  const where = actor.pipeline === undefined ? '' : `, ${actor.pipeline}`
  return [
    `${at}  ${migration}  ${leaverOf(column)} without ${what}: ${reason}`,
    `    by ${actor.user}@${actor.host} as role ${role}, with ${actor.tool}${where}`,
    ...evidence.flatMap(({ because }) => because.map((sentence) => `    seen: ${sentence}`)),
  ].join('\n')
}

function leaverOf({ namespace, table, column, thing }: Override['column']): string {
  if (thing !== undefined) return thing
  return called({ table: { namespace, name: table }, ...(column === undefined ? {} : { column }) })
}
