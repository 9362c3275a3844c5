import { type Estimate, isShort, lockWords, type Plan, type Room, roomText, type Step } from '../../index.ts'
import type { Terminal } from '../terminal.ts'
import { estimateText } from './estimate.ts'

/** What the backfills of a plan take, as the server is now. */
export interface Takes {
  readonly estimates: readonly Estimate[]
  readonly room: Room | undefined
}

/** The plan as a person reads it before anything runs: every statement, its locks, what it costs and what can go wrong. */
export function renderPlan(
  plan: Plan,
  { style }: Terminal,
  { estimates, room }: Takes = { estimates: [], room: undefined },
): string {
  const needs = new Map(estimates.map((estimate) => [estimate.step, estimate]))
  const shown = (step: Step) => stepLines(step, needs.get(step.id), style)
  const lines = [style('bold', `Plan of ${plan.migration.name}`), '']
  for (const phase of new Set(plan.steps.map((step) => step.phase))) {
    lines.push(style('bold', phase))
    for (const step of plan.steps.filter((one) => one.phase === phase)) lines.push(...shown(step))
  }
  if (room !== undefined) lines.push(style('bold', 'disk'), ...roomLines(room, style), '')
  lines.push(style('bold', 'rollback, possible until purge'))
  for (const step of plan.rollback) lines.push(...shown(step))
  if (plan.rollback.length === 0) lines.push('  nothing to do')
  return lines.join('\n')
}

function stepLines(step: Step, needs: Estimate | undefined, style: Terminal['style']): readonly string[] {
  return [
    `  ${step.id}  ${step.does}`,
    ...field('lock', lockText(step), style),
    ...field('cost', costText(step), style),
    ...(needs === undefined ? [] : field('way', wayText(needs.way), style)),
    ...(needs === undefined ? [] : field('needs', estimateText(needs), style)),
    ...step.hazards.flatMap((hazard) => field('hazard', hazard.because, style, 'yellow')),
    ...field('sql', sqlText(step), style),
    '',
  ]
}

function roomLines(room: Room, style: Terminal['style']): readonly string[] {
  const text = `  all backfills together: ${roomText(room)}`
  if (room.freeBytes === null)
    return [
      text,
      '  PostgreSQL does not tell the size of its disk: say it in the config file, as settings.brake.diskBytes',
    ]
  return isShort(room) ? [style('yellow', `${text}: too little, no backfill is begun`)] : [text]
}

function field(
  name: string,
  text: string,
  style: Terminal['style'],
  color: 'dim' | 'yellow' = 'dim',
): readonly string[] {
  if (text === '') return []
  const [first = '', ...more] = text.split('\n')
  return [`      ${style(color, name.padEnd(7))} ${first}`, ...more.map((line) => `              ${line}`)]
}

function lockText(step: Step): string {
  if (step.kind === 'backfill') return `row locks of one batch on ${step.table.name}`
  if (step.kind === 'verify' || step.kind === 'inspect' || step.kind === 'gate') return 'none'
  return (
    step.locks.map(({ relation, level }) => `${lockWords(level)} on ${relation.name}`).join(', ') || 'none'
  )
}

function costText(step: Step): string {
  switch (step.kind) {
    case 'backfill':
      return `writes every row that is unfilled, in batches; reads the table once more to prove that none is left${besides(step)}`
    case 'verify':
      return `reads the table once, in chunks${besides(step)}${step.until === undefined ? '' : '; and once more before the old column is hidden'}`
    case 'inspect':
      return 'reads the table once; readers and writers go on'
    case 'concurrent_index':
      return 'reads the table twice; readers and writers go on'
    case 'index_parts':
      return step.how === 'drop' ? 'instant' : 'reads each partition twice; readers and writers go on'
    case 'validate_parts':
      return 'reads each partition once; readers and writers go on'
    case 'foreign_key_parts':
      return step.how === 'add' ? 'reads each partition once; readers and writers go on' : 'instant'
    case 'gate':
      return 'waits for instances, does nothing to the table'
    default:
      return COST_TEXTS[step.cost]
  }
}

function wayText({ strategy, because }: Estimate['way']): string {
  return `${strategy === 'ladder' ? 'a ladder over' : 'plain'} ranges of blocks, because ${because}`
}

/** Other tables are looked into by their key, a row at a time. */
function besides({ reads = [] }: Extract<Step, { kind: 'backfill' | 'verify' }>): string {
  return reads.map(({ name }) => `, and looks each row up in ${name}`).join('')
}

const COST_TEXTS = {
  instant: 'instant; no scan, no rewrite',
  small: 'reads the table once while everybody waits; it was asked before that it is small',
  scan: 'reads the table once; readers and writers go on',
  rows: 'reads and writes the rows that it names, within the bound of an instant',
  unknown: 'not known; see the reason that is given',
} as const

function sqlText(step: Step): string {
  switch (step.kind) {
    case 'backfill':
      return `update ${step.table.name} set ${step.set} where ${step.unfilled}  -- a range of blocks at a time`
    case 'verify':
      return `select count(*) from ${step.table.name} where ${step.unfilled} or not ${step.relation}  -- a range at a time`
    case 'concurrent_index':
      return step.statement
    case 'index_parts':
      return partsText(step)
    case 'validate_parts':
      return step.checks.map((name) => `alter table each partition validate constraint ${name}`).join(';\n')
    case 'foreign_key_parts':
      return keyPartsText(step)
    case 'inspect':
      return [...(step.made ?? []), step.offenders].join(';\n')
    case 'gate':
      return ''
    default:
      return step.statements.join(';\n')
  }
}

function keyPartsText({ how, name, definition }: Extract<Step, { kind: 'foreign_key_parts' }>): string {
  return how === 'add'
    ? `alter table each partition add constraint ${name} ${definition} not valid;\nalter table each partition validate constraint ${name};\nalter table … add constraint ${name} ${definition}  -- when each partition has it`
    : `alter table each partition drop constraint ${name}  -- where the table has not got it yet`
}

function partsText({ how, index, using }: Extract<Step, { kind: 'index_parts' }>): string {
  if (how === 'stand') return `create index concurrently on each partition ${using}`
  return how === 'build'
    ? `create index concurrently on each partition ${using ?? '…'};\nalter index ${index.name} attach partition …  -- the moment it is built`
    : 'drop index concurrently …  -- what an interrupted build left'
}
