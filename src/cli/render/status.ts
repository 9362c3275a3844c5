import type { Migration, Run, RunState, Version } from '../../index.ts'
import type { Terminal } from '../terminal.ts'

/** One migration with everything that status says of it. */
export interface MigrationStatus {
  readonly migration: string
  readonly state: RunState | 'pending'
  /** The state in the words of somebody who asks what is done: `expanded` rather than `expanding`. */
  readonly stage: string
  readonly versions: readonly number[]
  /** Why it stands where it stands. */
  readonly because?: string
  /** What to do next, as a command. */
  readonly next?: string
}

/** Files and runs together: what was done, what is under way, and what waits to begin. */
export function migrationStatuses(
  files: readonly Migration[],
  runs: readonly Run[],
  versions: readonly Version[],
): readonly MigrationStatus[] {
  const started = runs.filter((run) => run.state !== 'rolled_back')
  const known = new Set(started.map((run) => run.plan.migration.name))
  const pending = files.filter(({ name }) => !known.has(name))
  return [
    ...started.map((run) => runStatus(run, versions)),
    ...pending.map(({ name }) => ({
      migration: name,
      state: 'pending' as const,
      stage: 'pending',
      versions: [],
      next: `bellows expand ${name}`,
    })),
  ]
}

export function runStatus(run: Run, versions: readonly Version[]): MigrationStatus {
  const migration = run.plan.migration.name
  const next = nextCommand(run)
  return {
    migration,
    state: run.state,
    stage: stageOf(run, next),
    versions: versions.filter((version) => version.run === run.id).map(({ version }) => version),
    ...(run.standsBecause === undefined ? {} : { because: run.standsBecause }),
    ...(next === undefined ? {} : { next: `bellows ${next} ${migration}` }),
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
      return 'contract'
  }
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
  const width = Math.max(...statuses.map(({ migration }) => migration.length))
  return statuses
    .flatMap(({ migration, state, stage, versions, because, next }) => [
      `${migration.padEnd(width)}  ${style(state === 'completed' ? 'green' : 'yellow', stage.padEnd(12))}  ${versionText(versions)}`.trimEnd(),
      ...(because === undefined ? [] : [`${' '.repeat(width)}  stands because ${because}`]),
      ...(next === undefined ? [] : [`${' '.repeat(width)}  next: ${next}`]),
    ])
    .join('\n')
}

function versionText(versions: readonly number[]): string {
  return versions.length === 0 ? '' : `version${versions.length > 1 ? 's' : ''} ${versions.join(', ')}`
}
