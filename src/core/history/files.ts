import { canonical } from '../hash.ts'
import type { Migration } from '../operations/migration.ts'
import type { Run } from '../run/run.ts'
import type { Baseline } from './baseline.ts'
import { namesOf, partsOf } from './combine.ts'

/** A migration file as it lies in the folder. */
export interface SeenFile {
  readonly name: string
  /** SHA-256 of its text. */
  readonly checksum: string
  /** What it holds, or why it cannot be read; absent where nobody has to know. */
  readonly content?: Migration | { readonly problem: string }
}

export interface FileFinding {
  readonly migration: string
  /** A file that runs `next` although it sorts before one that was applied is no fault. */
  readonly kind: 'changed' | 'missing' | 'unreadable' | 'next'
  readonly because: string
}

export interface History {
  readonly baseline: Baseline | undefined
  readonly runs: readonly Run[]
}

/** Holds the files against what was applied. Files are in the order of their names. */
export function checkFiles(files: readonly SeenFile[], { baseline, runs }: History): readonly FileFinding[] {
  const standing = runs.filter(({ state }) => state !== 'rolled_back')
  const counted = baseline?.files ?? {}
  const begun = new Map(
    standing.flatMap((run) => partsOf(run.plan.migration).map((part) => [part.name, part])),
  )
  const findings = files.flatMap((file): readonly FileFinding[] => {
    const checksum = Object.hasOwn(counted, file.name) ? counted[file.name] : undefined
    if (checksum !== undefined) return checksum === file.checksum ? [] : [changed(file.name, 'the baseline')]
    const part = begun.get(file.name)
    return part === undefined ? [] : heldAgainst(file, part)
  })
  const there = new Set(files.map(({ name }) => name))
  // What ran before a baseline may be cleared away: the history begins with that.
  const known = standing.filter(({ id }) => id > (baseline?.lastRun ?? 0))
  const missing = [...Object.keys(counted), ...known.flatMap(({ plan }) => namesOf(plan.migration))].filter(
    (name) => !there.has(name),
  )
  return [
    ...findings,
    ...[...new Set(missing)].sort().map(
      (migration): FileFinding => ({
        migration,
        kind: 'missing',
        because: 'its file is not in the folder, and it was applied to this database',
      }),
    ),
    ...latecomers([...there], { baseline, runs }).map(
      ({ name, behind }): FileFinding => ({
        migration: name,
        kind: 'next',
        because: `sorts before "${behind}", which was begun already; it is pending like any other`,
      }),
    ),
  ]
}

function heldAgainst({ name, content }: SeenFile, begun: Migration): readonly FileFinding[] {
  if (content === undefined) return []
  if ('problem' in content) return [{ migration: name, kind: 'unreadable', because: content.problem }]
  return canonical(content) === canonical(begun) ? [] : [changed(name, 'its run began')]
}

function changed(migration: string, since: string): FileFinding {
  return { migration, kind: 'changed', because: `its file was changed after ${since}` }
}

/** Is a migration applied or begun, be it by the baseline? */
export function begunNames({ baseline, runs }: History): ReadonlySet<string> {
  const started = runs.filter(({ state }) => state !== 'rolled_back')
  return new Set([
    ...Object.keys(baseline?.files ?? {}),
    ...started.flatMap(({ plan }) => namesOf(plan.migration)),
  ])
}

/** Pending migrations that sort before one that was begun, as those of a branch that was merged late. */
export function latecomers(
  names: readonly string[],
  history: History,
): readonly { readonly name: string; readonly behind: string }[] {
  const begun = begunNames(history)
  const behind = names
    .filter((name) => begun.has(name))
    .sort()
    .at(-1)
  if (behind === undefined) return []
  return names.filter((name) => !begun.has(name) && name < behind).map((name) => ({ name, behind }))
}
