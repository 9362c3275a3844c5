import { shown } from '../sql.ts'

/** One object that is not as it was recorded. */
export interface Difference {
  readonly namespace: string
  /** The table; of what belongs to no table its own name. */
  readonly relation: string
  readonly kind: string
  /** Empty where the relation itself is meant. */
  readonly name: string
  /** The definition on record; null when there is none. */
  readonly recorded: string | null
  /** The definition in the database; null when the object is not there. */
  readonly found: string | null
}

/** A difference that a run may have made which is under way. */
export interface Explained extends Difference {
  readonly migration: string | null
}

export interface SchemaDrift {
  /** How much is on record: everything since a baseline, else the tables of completed runs. */
  readonly recorded: 'everything' | 'tables' | 'nothing'
  readonly differences: readonly Difference[]
  /** Partitions that came since, of tables that are on record: somebody makes one every month, and that is no difference. */
  readonly newPartitions: readonly { readonly namespace: string; readonly relation: string }[]
  /** Relations that a run is changing, compared when it is over, by the name of its migration. */
  readonly atWork: readonly { readonly migration: string; readonly relation: string }[]
}

/** Sorts out what runs have to do with, and what only follows from a table that is new or missing as a whole. */
export function judgeDrift(recorded: SchemaDrift['recorded'], found: readonly Explained[]): SchemaDrift {
  const whole = new Set(found.filter((one) => HOLDS_PARTS.includes(one.kind) && !isChange(one)).map(placeOf))
  const newTables = new Set(
    found.filter(isNewTable).map(({ namespace, relation }) => `${shown(namespace)}.${shown(relation)}`),
  )
  const [partitions, differing] = divided(
    found.filter((one) => one.migration === null && (!PARTS.includes(one.kind) || !whole.has(placeOf(one)))),
    (one) => isPartitionOfOld(one, newTables),
  )
  const atWork = new Map<string, { readonly migration: string; readonly relation: string }>()
  for (const { migration, relation } of found)
    if (migration !== null) atWork.set(JSON.stringify([migration, relation]), { migration, relation })
  return {
    recorded,
    differences: differing.map(({ migration: _migration, ...difference }) => difference),
    newPartitions: partitions.map(({ namespace, relation }) => ({ namespace, relation })),
    atWork: [...atWork.values()],
  }
}

function isNewTable({ kind, recorded }: Difference): boolean {
  return kind === 'table' && recorded === null
}

/** As `bellows.catalog` writes it: `table partition of public.events FOR VALUES ...`. */
function isPartitionOfOld(one: Difference, newTables: ReadonlySet<string>): boolean {
  const [, parent] = / partition of (.+?) (?:FOR VALUES|DEFAULT)/s.exec(one.found ?? '') ?? []
  return isNewTable(one) && parent !== undefined && !newTables.has(parent)
}

function divided<T>(all: readonly T[], isFirst: (one: T) => boolean): readonly [readonly T[], readonly T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))]
}

function isChange({ recorded, found }: Difference): boolean {
  return recorded !== null && found !== null
}

function placeOf({ namespace, relation }: Difference): string {
  return JSON.stringify([namespace, relation])
}

const HOLDS_PARTS: readonly string[] = ['table', 'view', 'materialized view']
const PARTS: readonly string[] = ['column', 'constraint', 'index', 'trigger', 'policy']
