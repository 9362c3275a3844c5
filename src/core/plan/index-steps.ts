import type { IndexNeed, OperationNeeds, Touch } from '../operations/needs.ts'
import type { Index } from '../schema/indexes.ts'
import type { QualifiedName, Table } from '../schema/model.ts'
import { nameOf } from '../schema/name-of.ts'
import { id, lit, qualified, type Sql, sql, trusted } from '../sql.ts'
import { duplicatesSql } from './duplicates.ts'
import type { Hazard } from './hazard.ts'
import { noIdentity } from './identity.ts'
import type { SoundIndex } from './index-checks.ts'
import { behindUnique, createIndexSql, type IndexText } from './index-text.ts'
import type { Inspection } from './inspection.ts'
import { indexHas, indexStands, isFreeToBuild } from './probes.ts'
import type { Requirement, StepDraft } from './step.ts'
import { cameLate, tellingOf } from './telling.ts'

/** From here on a BRIN index leaves an update HOT. */
const BRIN_KEEPS_HOT = 160_000

/** What a definition needs to be known, and the columns and the name that it touches. */
export function indexNeeds(
  definition: string,
  text: IndexText | { readonly problem: string },
  how: 'adds' | 'replaces',
): OperationNeeds {
  if ('problem' in text) return { tables: [], touches: [] }
  const { table, name, columns } = text
  const need: IndexNeed = { table, definition }
  const uses: readonly Touch[] = columns.map((column) => ({ table, column, how: 'uses' }))
  return {
    tables: [{ ...table, columns: [] }],
    indexes: [need],
    touches: name === undefined ? uses : [...uses, { table: { namespace: table.namespace, name }, how }],
  }
}

/** The index in the model once it is built. */
export function builtIndex({ table, tried }: SoundIndex, name: string): Index {
  const unique = tried.index.unique ? 'UNIQUE ' : ''
  return {
    ...tried.index,
    name,
    definition: `CREATE ${unique}INDEX ${id(name)} ON ${qualified(table)} ${behindUnique(tried.using)}`,
  }
}

/** Looks for rows that a unique index would not take, before anything is built. */
export function duplicatesSteps(index: SoundIndex, name: string): readonly StepDraft[] {
  const { table, tried } = index
  if (!tried.index.unique) return []
  return [
    {
      kind: 'inspect',
      phase: 'expand',
      does: `look for rows of "${table.name}" that the unique index "${name}" would not take`,
      hazards: [],
      ...duplicatesLook(index, name),
    },
  ]
}

/** Whoever makes a duplicate behind that look has the build refused. */
export function tellingDuplicates(
  index: SoundIndex,
  name: string,
  building: readonly StepDraft[],
): readonly StepDraft[] {
  if (!index.tried.index.unique) return building
  const look = duplicatesLook(index, name)
  return tellingOf(building, cameLate(look, equalRows(index, name), 'it'))
}

function duplicatesLook(index: SoundIndex, name: string): Inspection {
  const { table, tried } = index
  const keys = tried.keys.map(trusted)
  const shown = keys.map((key, at) => sql`${key} as ${id(tried.index.nameParts[at] ?? `key ${at + 1}`)}`)
  const where = [
    ...(tried.predicate === null ? [] : [sql`(${trusted(tried.predicate)})`]),
    ...(tried.nullsDistinct ? keys.map((key) => sql`${key} is not null`) : []),
  ]
  return {
    table: nameOf(table),
    offenders: duplicatesSql(table, { keys, shown, where }),
    otherwise: `${equalRows(index, name)}.`,
    hint: 'Change or delete all but one of each; then run the same command again.',
  }
}

function equalRows({ table }: SoundIndex, name: string): string {
  return `Rows of "${table.name}" are equal by what the unique index "${name}" is to keep apart`
}

/** Builds an index beside all work. */
export function buildStep({ table, tried }: SoundIndex, index: QualifiedName, does: string): StepDraft {
  return {
    kind: 'concurrent_index',
    phase: 'expand',
    does,
    hazards: [],
    probe: indexStands(index, table, lit(tried.using)),
    makes: index,
    locks: [{ relation: table, level: 'share_update_exclusive' }],
    index,
    statement: createIndexSql({ ...tried.index, name: index.name }, table, tried.using, 'concurrently'),
    requires: [freeToBuild(index, table, lit(tried.using))],
  }
}

/** Nobody else has made an index of this name; an unfinished build of this very one may be built anew. */
export function freeToBuild(index: QualifiedName, table: QualifiedName, using: Sql): Requirement {
  return {
    that: isFreeToBuild(index, table, using),
    code: 'drift_found',
    otherwise: `"${index.name}" was made by somebody else since the plan was made, and is not a failed build of this index`,
  }
}

/** Drops an index that the run has built. */
export function unbuildStep({ table, tried }: SoundIndex, index: QualifiedName): StepDraft {
  return {
    ...dropOutside(table, index, `drop the index "${index.name}" again`),
    phase: 'expand',
    unmakes: index,
    probe: sql`not ${indexHas(index, table, lit(tried.using))}`,
    requires: [noIdentity(table, index)],
  }
}

/** Without waiting for a lock that stops anybody. */
export function dropOutside(table: Table, index: QualifiedName, does: string) {
  return {
    kind: 'outside',
    does,
    hazards: [
      {
        code: 'waits_for_transactions',
        because: `Waits for every transaction that uses "${table.name}"; nobody waits for it.`,
      },
    ],
    locks: [{ relation: table, level: 'share_update_exclusive' }],
    statements: [sql`drop index concurrently if exists ${qualified(index)}`],
    cost: 'instant',
  } as const
}

/** What building this index means for everybody. */
export function buildHazards({ table, tried }: SoundIndex, serverVersion: number): readonly Hazard[] {
  const hot = newlyIndexed(table, tried.index, serverVersion)
  return [
    {
      code: 'waits_for_transactions',
      because: 'Waits for every older transaction, also on other tables; nobody waits for it.',
    },
    ...(hot.length === 0
      ? []
      : [
          {
            code: 'ends_hot_updates' as const,
            because: `An update of ${hot.map((name) => `"${name}"`).join(' or ')} writes into every index of "${table.name}" from then on: it is no longer a HOT update.`,
          },
        ]),
  ]
}

function newlyIndexed(table: Table, index: Index, serverVersion: number): readonly string[] {
  if (serverVersion >= BRIN_KEEPS_HOT && / USING brin /.test(index.definition)) return []
  return index.columns.filter((column) => !table.indexes.some((one) => one.columns.includes(column)))
}
