import type { Renamed } from '../../../plan/copied.ts'
import type { Hazard } from '../../../plan/hazard.ts'
import { indexValid } from '../../../plan/probes.ts'
import type { StepDraft } from '../../../plan/step.ts'
import { rewriteIndex } from '../../../rewrite.ts'
import { isSameName } from '../../../schema/model.ts'
import { qualified, sql, trusted } from '../../../sql.ts'
import { takeBackSteps } from '../../copy/back-steps.ts'
import { fillStep, installStep } from '../../copy/expand-steps.ts'
import { indexColumnsSql, purgeStep } from '../../copy/leave-steps.ts'
import { verifySteps } from '../../copy/verify-steps.ts'
import { dropLinkSteps, linkSteps } from '../../keys/links.ts'
import { proveAgainStep, proveAnewStep, takeOverAgainStep } from '../../keys/links-again.ts'
import type { ChangeType } from '../change.ts'
import { changeHazards } from '../checks.ts'
import { type Keys, linksOf, type Member } from './keys.ts'
import { knowNotNullSteps, nameNotNullSql } from './not-null.ts'
import { dropSparesStep, isParted, nextParts, partedOf, spareParts, standPartsStep } from './parted.ts'
import type { PrimaryKey } from './primary-key.ts'
import { swapKeysBackStep, swapKeysStep } from './swap.ts'

export function expandKeys(op: ChangeType, keys: Keys): readonly StepDraft[] {
  return expandTogether(keys, (member) => [
    ...changeHazards({ ...op, table: member.table.name, column: member.from }, member),
    ...(member.identity === undefined
      ? []
      : [
          {
            code: 'may_break' as const,
            because:
              'The identity gets a new sequence of the same name at the contract: a session that inserted before it cannot ask for its number by currval() or lastval() afterwards, and a nextval() that waits for the contract fails once.',
          },
        ]),
  ])
}

export function expandTogether(
  { members }: Keys,
  hazards: (member: Member) => readonly Hazard[],
): readonly StepDraft[] {
  return members.map((member) =>
    apart(
      installStep(member, {
        does: `keep a copy of "${member.from}" of "${member.table.name}" in step, as "${member.to}"`,
        hazards: hazards(member),
        state: 'closed',
      }),
    ),
  )
}

export function fillKeys({ members }: Keys): readonly StepDraft[] {
  return members.map((member) => apart(fillStep(member)))
}

export function contractKeys(keys: Keys): readonly StepDraft[] {
  const { members, primaryKeys, links, anew } = keys
  return [
    ...members.flatMap(verifySteps).map(apart),
    // The swap uses them up, and so does its undo: who goes on after that builds them again.
    ...primaryKeys.flatMap((key) => [nextStep(key), spareStep(key)]),
    ...members.flatMap(knowNotNullSteps),
    ...linksOf(keys)
      .filter(({ table }) => table.kind === 'partitioned')
      .map(takeOverAgainStep),
    ...links.flatMap((link) => linkSteps(link, 'retire')),
    swapKeysStep(keys),
    ...anew.filter(({ key }) => key.validated).map((link) => proveAnewStep(link, 'retire')),
    ...members.map((member) => purgeKeyStep(member, keys)),
  ]
}

export function takeBackKeys(keys: Keys): readonly StepDraft[] {
  const { members, links } = keys
  return [
    swapKeysBackStep(keys),
    ...linksOf(keys)
      .filter(({ key }) => key.validated)
      .map(proveAgainStep),
    ...links.flatMap(dropLinkSteps),
    ...members.toReversed().flatMap((member) => takeBackKeySteps(member, keys)),
  ]
}

/** The planner joins what operations share by the table of the first of them; these have several. */
function apart(shared: StepDraft): StepDraft {
  const { shares: _, ...draft } = shared
  return draft
}

function nextStep(primaryKey: PrimaryKey): StepDraft {
  const { key, columns, next } = primaryKey
  const said = {
    does: `build the index of the primary key "${key.name}" for the new ${columns.length === 1 ? 'column' : 'columns'}`,
    hazards: [
      {
        code: 'upsert_race',
        because:
          'From here to the purge several unique indexes guard the same keys: of two INSERT ... ON CONFLICT of one new key at the same instant, one can fail with a unique violation instead of taking its DO arm.',
      },
    ],
  } as const
  return isParted(primaryKey)
    ? standPartsStep(primaryKey, nextParts(primaryKey), said)
    : { ...buildStep(primaryKey, next, columns), ...said }
}

function spareStep(primaryKey: PrimaryKey): StepDraft {
  const { table, key, columns, spare } = primaryKey
  const unchanged = columns.map(({ from }) => ({ from, to: from }))
  const said = {
    does: `build a second index for the old key of "${table.name}", by which "${key.name}" can come back at once`,
    hazards: [],
  }
  return isParted(primaryKey)
    ? standPartsStep(primaryKey, spareParts(primaryKey), said)
    : { ...buildStep(primaryKey, spare, unchanged), ...said }
}

function buildStep({ table, index }: PrimaryKey, name: string, columns: readonly Renamed[]) {
  const built = { namespace: table.namespace, name }
  const statement = columns.reduce<string>(
    (text, column) => rewriteIndex(text, column, name, index.tablespace),
    index.definition,
  )
  return {
    kind: 'concurrent_index',
    phase: 'retire',
    probe: indexValid(built),
    locks: [{ relation: table, level: 'share_update_exclusive' }],
    index: built,
    statement: trusted(statement),
  } as const
}

/** The spare index of the old key is no part of the new column, and would stay. */
function takeBackKeySteps(member: Member, { primaryKeys }: Keys): readonly StepDraft[] {
  const mine = primaryKeys.filter(
    ({ table, columns }) => isSameName(table, member.table) && columns.at(-1)?.to === member.to,
  )
  const spares = mine
    .filter((key) => !isParted(key))
    .map(
      ({ table, spare }) =>
        sql`drop index if exists ${qualified({ namespace: table.namespace, name: spare })}`,
    )
  const steps = takeBackSteps(member)
    .map(apart)
    .map((step) =>
      'statements' in step && step.kind !== 'outside'
        ? { ...step, statements: [...spares, ...step.statements] }
        : step,
    )
  return [...partedOf(mine).map(dropSparesStep), ...steps]
}

function purgeKeyStep(member: Member, { members }: Keys): StepDraft {
  const step = apart(purgeStep(member))
  if (step.kind !== 'purge') return step
  const { identity, fromColumn, toColumn } = member
  const isWider = identity !== undefined && fromColumn.baseType !== toColumn.baseType
  const others = members.filter((one) => one !== member && isSameName(one.table, member.table))
  return {
    ...step,
    locks: [
      ...step.locks,
      ...(isWider
        ? [{ relation: identity, level: 'share_row_exclusive' as const, implied: true as const }]
        : []),
    ],
    statements: [
      ...step.statements,
      ...nameNotNullSql(member),
      ...others.flatMap(({ from, to, finalName }) => indexColumnsSql({ ...member, from, to, finalName })),
      // It ended where the old column did.
      ...(isWider ? [sql`alter sequence ${qualified(identity)} as ${trusted(toColumn.baseType)}`] : []),
    ],
  }
}
