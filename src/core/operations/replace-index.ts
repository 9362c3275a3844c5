import { assert, type BellowsError } from '../errors.ts'
import { behindGate } from '../plan/behind-gate.ts'
import {
  definitionProblems,
  isSound,
  type ReadIndex,
  readIndexOf,
  type SoundIndex,
} from '../plan/index-checks.ts'
import {
  constraintProblems,
  findIndex,
  indexMissing,
  leavingIndexHazards,
  leavingKey,
  leavingProblems,
} from '../plan/index-leaving.ts'
import { dropPartsSteps, dropWhole, partsSteps } from '../plan/index-parts.ts'
import { buildHazards, buildStep, builtIndex, indexNeeds, unbuildStep } from '../plan/index-steps.ts'
import { readIndex } from '../plan/index-text.ts'
import { namesFor } from '../plan/names.ts'
import {
  all,
  indexHas,
  indexIsAsPlanned,
  indexStands,
  relationAbsent,
  relationExists,
} from '../plan/probes.ts'
import type { Made, Requirement, StepDraft } from '../plan/step.ts'
import { refused } from '../plan/table-checks.ts'
import type { Facts } from '../schema/facts.ts'
import type { Index } from '../schema/indexes.ts'
import { type QualifiedName, withTable } from '../schema/model.ts'
import { id, lit, qualified, type Sql, sql } from '../sql.ts'
import type { Context, OperationSpec } from './operation.ts'
import { partOfWholeProblems, wholeQuestion } from './partition/own-index.ts'
import type { Reasoned } from './reasoned.ts'
import {
  duplicateHazards,
  indexInContract,
  indexInExpand,
  indexTakenBack,
  type NewIndex,
  whenProblems,
} from './rules/index-time.ts'
import type { RuleTime } from './rules/rule.ts'

/** Gives an index another definition, with one of the two there at all times. */
export interface ReplaceIndex extends Reasoned {
  readonly kind: 'replace_index'
  /** A CREATE INDEX statement that names the index to be replaced. */
  readonly definition: string
  /** Of a unique one; when absent `after_rollout`, where it refuses what the old one takes. */
  readonly when?: RuleTime
}

export const replaceIndex: OperationSpec<ReplaceIndex> = {
  needs: (op) => {
    const text = readIndex(op.definition)
    const needs = indexNeeds(op.definition, text, 'replaces')
    if ('problem' in text || text.name === undefined) return needs
    return { ...needs, questions: [wholeQuestion({ namespace: text.table.namespace, name: text.name })] }
  },

  check: (op, { schema, facts }) => {
    const read = readIndexOf(op.definition, schema, facts)
    const problems = definitionProblems(read)
    if (problems.length > 0 || !isSound(read)) return problems
    return [...whenProblems(read, op.when), ...replacingProblems(read, facts)]
  },

  apply: (op, schema, facts) => {
    const read = readIndexOf(op.definition, schema, facts)
    if (!isSound(read)) return schema
    const { table, text } = read
    const indexes = table.indexes.map((one) =>
      one.name === text.name ? { ...builtIndex(read, one.name), comment: one.comment } : one,
    )
    return withTable(schema, { ...table, indexes })
  },

  expand: (op, context) => {
    const work = workFor(op, context)
    return indexInExpand(work.coming, buildingSteps(work, context))
  },

  backfill: () => [],

  contract: (op, context) => {
    const work = workFor(op, context)
    const { index, name, aside, old } = work
    const drop = dropWhole(index.table, aside, `drop the old index "${name.name}" of "${index.table.name}"`)
    const leaving = old.unique && !index.tried.index.unique ? leavingIndexHazards(index.table, old) : []
    const step = {
      ...drop,
      phase: 'purge',
      hazards: [...drop.hazards, ...leaving],
      probe: relationAbsent(aside),
    } as const
    return [
      ...indexInContract(work.coming, buildingSteps(work, context)),
      ...(isKeyLost(old, index.tried.index) ? behindGate(leavingKey(index.table, old), step) : [step]),
    ]
  },

  rollback: (op, context) => {
    const work = workFor(op, context)
    const { index, copy } = work
    return indexTakenBack(work.coming, [
      swapBackStep(work),
      ...(index.table.kind === 'partitioned'
        ? dropPartsSteps(index, copy.name, context.seed)
        : [unbuildStep(index, copy)]),
    ])
  },
}

function buildingSteps(work: Work, { facts, seed }: Context): readonly StepDraft[] {
  const { index, name, copy } = work
  const hazards = [...buildHazards(index, facts.serverVersion), ...duplicateHazards(work.coming)]
  const build = buildStep(index, copy, `build the new index "${name.name}" beside the old one`)
  return [
    ...(index.table.kind === 'partitioned'
      ? partsSteps(index, copy.name, { seed, hazards })
      : [{ ...build, hazards }]),
    swapStep(work),
  ]
}

/** Whoever reads goes by the new index; what the old one was a key of somebody may resolve conflicts by. */
function isKeyLost(old: Index, { unique, nameParts }: Index): boolean {
  return old.unique && (!unique || nameParts.join() !== old.nameParts.join())
}

interface Work {
  readonly index: SoundIndex
  readonly old: Index
  readonly coming: NewIndex
  /** What the index is called before and after. */
  readonly name: QualifiedName
  /** The new one until it takes the name, and the old one from then on. */
  readonly copy: QualifiedName
  readonly aside: QualifiedName
}

function workFor(op: ReplaceIndex, { schema, given, facts, seed }: Context): Work {
  const index: ReadIndex = readIndexOf(op.definition, schema, facts)
  assert(isSound(index), 'steps come after check')
  const name = index.text.name ?? ''
  const old = findIndex(index.table, name)
  assert(old !== undefined, 'steps come after check')
  const { namespace } = index.table
  const names = namesFor(seed, name, [])
  return {
    index,
    old,
    coming: { index, name, old, when: op.when, given },
    name: { namespace, name },
    copy: { namespace, name: names.copy(name) },
    aside: { namespace, name: names.hidden },
  }
}

function replacingProblems({ text, table, tried }: SoundIndex, facts: Facts): readonly BellowsError[] {
  if (text.name === undefined)
    return [
      refused('The definition does not say which index it replaces.', 'Write the name behind CREATE INDEX.'),
    ]
  const old = findIndex(table, text.name)
  if (old === undefined) return [indexMissing(table, text.name)]
  const isSame = tried.namesakes.some(
    (one) => one.name === text.name && one.valid && one.using === tried.using,
  )
  return [
    ...constraintProblems(old, 'drop_constraint and a new constraint'),
    ...partOfWholeProblems({ namespace: table.namespace, name: old.name }, facts),
    ...leavingProblems(table, old),
    ...(isSame
      ? [refused(`The index "${old.name}" has this definition already.`, 'Take the operation out.')]
      : []),
  ]
}

/** Both names change hands in one transaction. No statement of an application names an index, so nobody sees it. */
function swapStep({ index, old, name, copy, aside }: Work): StepDraft {
  const { table, tried } = index
  const comment =
    old.comment === null ? [] : [sql`comment on index ${qualified(name)} is ${lit(old.comment)}`]
  return {
    ...swapping(table),
    does: `give the new index the name "${name.name}"`,
    probe: all([indexStands(name, table, lit(tried.using)), relationAbsent(copy)]),
    makes: madeIndex(name),
    requires: [
      ready(indexStands(copy, table, lit(tried.using)), `the index "${copy.name}" is missing or invalid`),
      ready(
        all([relationExists(name), indexIsAsPlanned(name, old.definition)]),
        `the index "${name.name}" is another one than when the plan was made`,
      ),
    ],
    statements: [...renames(name, aside, copy), ...comment],
  }
}

function madeIndex(name: QualifiedName): Made {
  return `the new index under the name ${qualified(name)}`
}

function swapBackStep({ index, name, copy, aside }: Work): StepDraft {
  return {
    ...swapping(index.table),
    does: `give the old index the name "${name.name}" back`,
    unmakes: madeIndex(name),
    probe: relationAbsent(aside),
    requires: [
      ready(
        indexHas(name, index.table, lit(index.tried.using)),
        `the index "${name.name}" is not the one that was built`,
      ),
    ],
    statements: renames(name, copy, aside),
  }
}

/** The locks are on the two indexes alone, which count for their table. */
function swapping(table: QualifiedName) {
  return {
    kind: 'ddl',
    phase: 'expand',
    hazards: [],
    locks: [{ relation: table, level: 'share_update_exclusive', implied: true }],
    cost: 'instant',
  } as const
}

function ready(that: Sql, otherwise: string): Requirement {
  return { that, code: 'drift_found', otherwise }
}

/** The one under the name goes out of the way, and another one takes its place. */
function renames(name: QualifiedName, away: QualifiedName, into: QualifiedName): readonly Sql[] {
  return [
    sql`alter index ${qualified(name)} rename to ${id(away.name)}`,
    sql`alter index ${qualified(into)} rename to ${id(name.name)}`,
  ]
}
