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
  /** Relations that a run is changing, compared when it is over, by the name of its migration. */
  readonly atWork: readonly { readonly migration: string; readonly relation: string }[]
}

/** Sorts out what runs have to do with, and what only follows from a table that is new or missing as a whole. */
export function judgeDrift(recorded: SchemaDrift['recorded'], found: readonly Explained[]): SchemaDrift {
  const whole = new Set(found.filter((one) => HOLDS_PARTS.includes(one.kind) && !isChange(one)).map(placeOf))
  const atWork = new Map<string, { readonly migration: string; readonly relation: string }>()
  for (const { migration, relation } of found)
    if (migration !== null) atWork.set(JSON.stringify([migration, relation]), { migration, relation })
  return {
    recorded,
    differences: found
      .filter((one) => one.migration === null && (!PARTS.includes(one.kind) || !whole.has(placeOf(one))))
      .map(({ migration: _migration, ...difference }) => difference),
    atWork: [...atWork.values()],
  }
}

function isChange({ recorded, found }: Difference): boolean {
  return recorded !== null && found !== null
}

function placeOf({ namespace, relation }: Difference): string {
  return JSON.stringify([namespace, relation])
}

const HOLDS_PARTS: readonly string[] = ['table', 'view', 'materialized view']
const PARTS: readonly string[] = ['column', 'constraint', 'index', 'trigger', 'policy']
