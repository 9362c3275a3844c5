import { called, type GateCheck, type GateReport, type Offender, shortList } from '../../index.ts'
import type { Terminal } from '../terminal.ts'

/** Why the old shape may not go comes first, and under each reason what to do about it. */
export function renderGates(reports: readonly GateReport[], { style }: Terminal): string {
  return reports
    .flatMap(({ usage, checks, absent, ...leaver }) => [
      `${called(leaver)} is ${style(usage === 'drained' ? 'green' : 'yellow', usage)}`,
      ...checks
        .toSorted((a, b) => Number(isGreen(a)) - Number(isGreen(b)))
        .flatMap((one) => checkLines(one, style)),
      ...absent.map(absentLine),
    ])
    .join('\n')
}

function isGreen({ state }: GateCheck): boolean {
  return state === 'green'
}

const COLOURS = { green: 'green', red: 'red', unknown: 'yellow' } as const

function checkLines(one: GateCheck, style: Terminal['style']): readonly string[] {
  const [first = '', ...more] = shortList(one.because, REST)
  const next =
    one.overridden !== undefined
      ? [`gone on without: ${one.overridden}`]
      : one.state === 'green'
        ? []
        : [...shortList(one.offenders.map(offenderLine), REST), one.hint]
  const word = style(COLOURS[one.state], one.state.padEnd(STATE_WIDTH))
  return [
    `  ${one.check.padEnd(NAME_WIDTH)}  ${word}  ${first}`,
    ...[...more, ...next].map((line) => `${INDENT}${line}`),
  ]
}

function absentLine({ check, state, because }: GateReport['absent'][number]): string {
  return `  ${check.padEnd(NAME_WIDTH)}  ${'-'.padEnd(STATE_WIDTH)}  ${state.replaceAll('_', ' ')}: ${because}`
}

const REST = '; --json shows them all'

/** `the session 4711: role app, called shop, from 10.0.0.3, since 20:00:01, last seen 20:04:00: what to do`. */
function offenderLine({
  who,
  application,
  version,
  host,
  role,
  address,
  firstSeen,
  lastSeen,
  fix,
}: Offender): string {
  const known = [
    role === undefined ? undefined : `role ${role}`,
    version === undefined ? undefined : `version ${version}`,
    host === undefined ? undefined : `on ${host}`,
    application === undefined ? undefined : `called "${application}"`,
    address === undefined ? undefined : `from ${address}`,
    firstSeen === undefined ? undefined : `since ${toSecond(firstSeen)}`,
    lastSeen === undefined ? undefined : `last seen ${toSecond(lastSeen)}`,
  ].filter((one) => one !== undefined)
  return `- ${who}${known.length === 0 ? '' : ` (${known.join(', ')})`}: ${fix}`
}

/** A server prints microseconds, which nobody reads; a cluster says Z. */
function toSecond(time: string): string {
  return time
    .replace(/\.\d+/, '')
    .replace('T', ' ')
    .replace(/(\+00(:00)?|Z)$/, ' UTC')
}

const NAME_WIDTH = 'transactions'.length
const STATE_WIDTH = 'unknown'.length
const INDENT = ' '.repeat('  '.length + NAME_WIDTH + '  '.length + STATE_WIDTH + '  '.length)
