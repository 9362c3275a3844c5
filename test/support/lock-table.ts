import { conflictsWith } from '../../src/core/plan/locks.ts'
import { LOCK_LEVELS, type Lock, type LockLevel } from '../../src/core/plan/step.ts'
import { isSameName, type QualifiedName } from '../../src/core/schema/model.ts'
import type { TracedStep } from './traced-life.ts'

/** What a step says that it locks, and what it was seen to lock, on one relation. */
export interface LockRow {
  readonly operation: string
  readonly special: string
  readonly way: TracedStep['way']
  readonly phase: string
  readonly does: string
  readonly relation: string
  readonly declared: LockLevel | null
  readonly taken: LockLevel | null
}

/** Steps that work through a table say so by their table: batches are written, chunks are read. */
export function declaredLocks({ step, traces }: TracedStep): readonly Lock[] {
  if ('locks' in step) return step.locks
  if (step.kind !== 'backfill' && step.kind !== 'verify') return []
  const level = step.kind === 'backfill' ? 'row_exclusive' : 'access_share'
  const parts = traces
    .flatMap(({ locks }) => locks.map(({ relation }) => relation))
    .filter(({ name }) => step.byPartition === true && name.startsWith(`${step.table.name}_`))
  const locks = [step.table, ...parts].map((relation): Lock => ({ relation, level }))
  return [...locks, ...(step.reads ?? []).map((relation): Lock => ({ relation, level: 'access_share' }))]
}

export function takenLocks({ traces }: TracedStep): TracedStep['traces'][number]['locks'] {
  return traces.flatMap(({ locks }) => locks)
}

/** Locks that would stop somebody whom none of the declared ones on their relation stops. */
export function undeclared(traced: TracedStep): readonly string[] {
  const declared = declaredLocks(traced)
  return takenLocks(traced)
    .filter(({ relation, level }) => {
      const stopped = declared
        .filter((lock) => isSameName(lock.relation, relation))
        .flatMap((lock) => conflictsWith(lock.level))
      return conflictsWith(level).some((one) => !stopped.includes(one))
    })
    .map(
      ({ relation, level }) =>
        `${traced.step.id} (${traced.step.does}) takes ${level} on ${shownName(relation)}`,
    )
}

export function lockRows(operation: string, special: string, traced: TracedStep): readonly LockRow[] {
  const { step, way } = traced
  const [declared, taken] = [declaredLocks(traced), takenLocks(traced)]
  const relations = [...new Set([...declared, ...taken].map(({ relation }) => shownName(relation)))]
  return relations.map((relation) => ({
    operation,
    special,
    way,
    phase: step.phase,
    does: step.does,
    relation,
    declared: strongest(declared, relation),
    taken: strongest(taken, relation),
  }))
}

function shownName({ namespace, name }: QualifiedName): string {
  return namespace === 'public' ? name : `${namespace}.${name}`
}

function strongest(locks: readonly Lock[], relation: string): LockLevel | null {
  const levels = locks.filter((lock) => shownName(lock.relation) === relation).map(({ level }) => level)
  return LOCK_LEVELS.findLast((level) => levels.includes(level)) ?? null
}

/** Rows of docs/locks.md, from what was seen on each major. */
export function renderedLocks(seen: ReadonlyMap<string, readonly LockRow[]>): string {
  const majors = [...seen.keys()]
  const keyOf = ({ operation, special, way, phase, does, relation }: LockRow) =>
    JSON.stringify([operation, special, way, phase, does, relation])
  const keys = new Map([...seen.values()].flat().map((row) => [keyOf(row), row]))
  const lines = [...keys].map(([key, row]) => {
    const levels = majors.map((major) => {
      const found = seen.get(major)?.find((one) => keyOf(one) === key)
      return found === undefined ? undefined : `${words(found.taken)}${noted(found)}`
    })
    return { row, taken: byMajor(majors, levels) }
  })
  const operations = [...new Set([...keys.values()].map(({ operation }) => operation))]
  const sections = operations
    .toSorted()
    .map((operation) =>
      [`## ${operation}`, ...casesOf(lines.filter(({ row }) => row.operation === operation))].join('\n\n'),
    )
  return [HEAD, ...sections].join('\n\n').concat('\n')
}

type Line = { readonly row: LockRow; readonly taken: string }

function casesOf(lines: readonly Line[]): readonly string[] {
  return [...new Set(lines.map(({ row }) => row.special))].map((special) => {
    const own = lines.filter(({ row }) => row.special === special)
    const table = own.map(({ row, taken }, at) => {
      const before = own[at - 1]?.row
      const isSame = before?.does === row.does && before.phase === row.phase && before.way === row.way
      const phase = row.way === 'forth' ? row.phase : row.phase === 'retire' ? 'undo' : 'rollback'
      return `| ${isSame ? '' : phase} | ${isSame ? '' : row.does} | \`${row.relation}\` | ${taken} |`
    })
    return [
      `### ${special}`,
      ['| phase | step | relation | lock |', '|---|---|---|---|', ...table].join('\n'),
    ].join('\n\n')
  })
}

/** A level that was declared and is not needed here is worth a word. */
function noted({ declared, taken }: LockRow): string {
  return declared === taken ? '' : ` (declared: ${words(declared)})`
}

function words(level: LockLevel | null): string {
  return level === null ? 'none' : level.replaceAll('_', ' ')
}

/** One level where all are the same, else each with the majors that take it. */
function byMajor(majors: readonly string[], levels: readonly (string | undefined)[]): string {
  const distinct = [...new Set(levels)].filter((level) => level !== undefined)
  if (distinct.length === 1 && !levels.includes(undefined)) return distinct[0] ?? ''
  return distinct
    .map((level) => `${level} on ${majors.filter((_, at) => levels[at] === level).join(', ')}`)
    .join('; ')
}

const HEAD = `# Locks

Which tables each step locks, and how, as \`pg_locks\` says right before its transaction ends, or while a statement outside of
transactions is under way. It is written from what was seen on PostgreSQL 14 to 18, where the same is taken unless it is said
otherwise; a test fails when a step takes more than its plan declares. \`bellows plan\` shows the locks of a migration of yours.

An index counts for its table, and so does the sequence of an identity. The catalogs and the namespace \`bellows\` are left out. The steps of
a backfill take their lock anew for every batch.`
