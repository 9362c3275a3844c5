import {
  type BrakeState,
  type Filling,
  type History,
  heldBack,
  latecomers,
  namesOf,
  type Progress,
  type Quarantine,
  quarantineText,
  type Run,
  type RunState,
  type Version,
} from '../../index.ts'
import type { Terminal } from '../terminal.ts'
import { duration } from './figures.ts'
import { brakeText, progressLine } from './progress.ts'

/** One migration with everything that status says of it. */
export interface MigrationStatus {
  readonly migration: string
  readonly state: RunState | 'pending' | 'baseline'
  /** The state in the words of somebody who asks what is done: `expanded` rather than `expanding`. */
  readonly stage: string
  readonly versions: readonly number[]
  /** Why it stands where it stands. */
  readonly because?: string
  /** How far its backfill or its verification is. */
  readonly progress?: Progress
  /** What slows its backfill or its verification at this moment, or has paused it. */
  readonly brake?: BrakeState
  /** Rows that its backfill goes on without. */
  readonly quarantine?: Quarantine
  /** What is worth knowing of it. */
  readonly note?: string
  /** What to do next, as a command. */
  readonly next?: string
}

/** Files and history together: what was done, what is under way, and what waits to begin. */
export function migrationStatuses(
  files: readonly { readonly name: string }[],
  history: History,
  versions: readonly Version[],
  works: Works = new Map(),
): readonly MigrationStatus[] {
  const started = history.runs.filter((run) => run.state !== 'rolled_back')
  const ran = new Set(started.flatMap((run) => namesOf(run.plan.migration)))
  const counted = Object.keys(history.baseline?.files ?? {}).filter((name) => !ran.has(name))
  const known = new Set([...counted, ...ran])
  const names = files.map(({ name }) => name)
  const late = new Map(latecomers(names, history).map(({ name, behind }) => [name, behind]))
  return [
    ...counted.map((migration) => ({
      migration,
      state: 'baseline' as const,
      stage: 'baseline',
      versions: [],
    })),
    ...started.map((run) => withWork(runStatus(run, versions), works.get(run.id))),
    ...names.filter((name) => !known.has(name)).map((name) => pendingStatus(name, late.get(name))),
  ]
}

/** Of what works through a table, by the numbers of the runs. */
export type Works = ReadonlyMap<number, Work>

interface Work {
  readonly progress: Progress | undefined
  readonly brake: BrakeState | undefined
  readonly quarantine: Quarantine
}

function withWork(status: MigrationStatus, work: Work | undefined): MigrationStatus {
  const { progress, brake, quarantine = { rows: 0, samples: [] } } = work ?? {}
  return {
    ...status,
    ...(progress === undefined ? {} : { progress }),
    ...(brake === undefined ? {} : { brake }),
    ...(quarantine.rows === 0 ? {} : { quarantine }),
  }
}

function pendingStatus(name: string, behind: string | undefined): MigrationStatus {
  return {
    migration: name,
    state: 'pending',
    stage: 'pending',
    versions: [],
    ...(behind === undefined ? {} : { note: `sorts before ${behind}, which was begun already` }),
    next: `bellows expand ${name}`,
  }
}

export function runStatus(run: Run, versions: readonly Version[]): MigrationStatus {
  const migration = run.plan.migration.name
  const next = nextCommand(run)
  const others = namesOf(run.plan.migration).filter((name) => name !== migration)
  const notes = [...(others.length === 0 ? [] : [`with ${others.join(', ')}`]), ...hiddenNote(run)]
  return {
    migration,
    state: run.state,
    stage: stageOf(run, next),
    versions: versions.filter((version) => version.run === run.id).map(({ version }) => version),
    ...(notes.length === 0 ? {} : { note: notes.join('; ') }),
    ...(run.standsBecause === undefined ? {} : { because: run.standsBecause }),
    ...(next === undefined
      ? {}
      : { next: next === 'reap' ? 'bellows reap' : `bellows ${next} ${migration}` }),
  }
}

/** The command that takes a run further: the phase of its first step that is not done. */
function nextCommand(run: Run): string | undefined {
  if (run.state === 'completed' || run.state === 'rolled_back') return undefined
  if (run.state === 'rolling_back') return 'rollback'
  const step = run.plan.steps.find(({ id, kind }) => !run.done.has(id) && kind !== 'gate')
  switch (step?.phase) {
    case 'expand':
    case 'backfill':
    case 'verify':
      return step.phase
    default:
      return isHidden(run) && run.purgeAfterMs !== undefined ? 'reap' : 'contract'
  }
}

function isHidden({ state, retiredAt }: Run): boolean {
  return state === 'retiring' && retiredAt !== undefined
}

/** Whoever contracts by hand asks for no grace of before. */
function hiddenNote(run: Run): readonly string[] {
  if (!isHidden(run)) return []
  const { plan, purgeAfterMs } = run
  const when =
    purgeAfterMs === undefined
      ? 'the next contract drops what is hidden, at once where it names no grace'
      : `bellows reap drops what is hidden once it has been so for ${duration(purgeAfterMs / 1000)}`
  return [`${when}; until then it comes back by: bellows undo ${plan.migration.name}`]
}

const DONE_WORDS: Readonly<Partial<Record<RunState, { readonly phase: string; readonly word: string }>>> = {
  expanding: { phase: 'expand', word: 'expanded' },
  backfilling: { phase: 'backfill', word: 'backfilled' },
  verifying: { phase: 'verify', word: 'verified' },
  rolling_out: { phase: '', word: 'at the gate' },
  retiring: { phase: '', word: 'hidden' },
}

function stageOf(run: Run, next: string | undefined): string {
  const done = DONE_WORDS[run.state]
  if (done === undefined || done.phase === next) return run.state.replaceAll('_', ' ')
  return done.word
}

export function renderStatus(statuses: readonly MigrationStatus[], { style }: Terminal): string {
  if (statuses.length === 0) return 'No migrations yet. Write the first one with "bellows new".'
  const counted = statuses.filter(({ state }) => state === 'baseline')
  const others = statuses.filter(({ state }) => state !== 'baseline')
  const width = Math.max(0, ...others.map(({ migration }) => migration.length))
  const lines = others.flatMap(
    ({ migration, state, stage, versions, because, progress, brake, quarantine, note, next }) => [
      `${migration.padEnd(width)}  ${style(state === 'completed' ? 'green' : 'yellow', stage.padEnd(12))}  ${versionText(versions)}`.trimEnd(),
      ...(because === undefined ? [] : [`${' '.repeat(width)}  stands because ${because}`]),
      ...(progress === undefined ? [] : [`${' '.repeat(width)}  ${progressLine(progress)}`]),
      ...(brake === undefined ? [] : [`${' '.repeat(width)}  ${brakeText(brake)}`]),
      ...(quarantine === undefined ? [] : [`${' '.repeat(width)}  ${quarantineText(quarantine)}`]),
      ...(note === undefined ? [] : [`${' '.repeat(width)}  ${note}`]),
      ...(next === undefined ? [] : [`${' '.repeat(width)}  next: ${next}`]),
    ],
  )
  return [...countedLine(counted), ...lines].join('\n')
}

/** They may be hundreds, and nothing is left to be done with them. */
function countedLine(counted: readonly MigrationStatus[]): readonly string[] {
  const last = counted.at(-1)
  if (last === undefined) return []
  return [`${counted.length} up to ${last.migration} count as applied by the baseline`]
}

export function fillingText({ step, table, workers, heldBy }: Filling): string {
  const who = workers === 1 ? '1 worker fills' : `${workers} workers fill`
  const how = heldBy === undefined ? '' : ` In plain ranges for now, because ${heldBack(heldBy)}.`
  return `${workers === 0 ? 'Nobody fills' : who} "${table}" for ${step}.${how}`
}

function versionText(versions: readonly number[]): string {
  return versions.length === 0 ? '' : `version${versions.length > 1 ? 's' : ''} ${versions.join(', ')}`
}
