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

/** A difference, with what may account for it. */
export interface Explained extends Difference {
  /** A run under way that may have made it. */
  readonly migration: string | null
  /** The major version of the server that printed what is recorded, where that is another one. */
  readonly printedBy: number | null
  /** Is it a partition, on whatever level, of a table that is on record? */
  readonly isPartition: boolean
}

/** A definition that another major version of PostgreSQL printed, and that this one prints in other words, or that somebody changed. */
export interface Reprinted extends Difference {
  readonly printedBy: number
}

export interface SchemaDrift {
  /**
   * How much is on record: everything since a baseline, else the tables of completed runs. One that is `outdated` was made by an older
   * Bellows, and is compared when the next change has brought it up to date.
   */
  readonly recorded: 'everything' | 'tables' | 'nothing' | 'outdated'
  readonly differences: readonly Difference[]
  readonly reprinted: readonly Reprinted[]
  /** Partitions that came since, of tables that are on record: somebody makes one every month, and that is no difference. */
  readonly newPartitions: readonly { readonly namespace: string; readonly relation: string }[]
  /** Relations that a run is changing, compared when it is over, by the name of its migration. */
  readonly atWork: readonly { readonly migration: string; readonly relation: string }[]
}

/** Sorts out what accounts for itself, and what only follows from a table or a function that is new or missing as a whole. */
export function judgeDrift(recorded: SchemaDrift['recorded'], found: readonly Explained[]): SchemaDrift {
  const whole = new Set(found.filter((one) => !isChange(one)).map(keyOf))
  const atWork = new Map<string, { readonly migration: string; readonly relation: string }>()
  for (const { migration, relation } of found)
    if (migration !== null) atWork.set(JSON.stringify([migration, relation]), { migration, relation })
  const left = found.filter((one) => one.migration === null && !wholesOf(one).some((key) => whole.has(key)))
  const isNewPartition = (one: Explained) => one.isPartition && one.recorded === null
  return {
    recorded,
    differences: left.filter((one) => !isNewPartition(one) && !isReprinted(one)).map(toldOf),
    reprinted: left.filter(isReprinted).map((one) => ({ ...toldOf(one), printedBy: one.printedBy })),
    newPartitions: left.filter(isNewPartition).map(({ namespace, relation }) => ({ namespace, relation })),
    atWork: [...atWork.values()],
  }
}

function toldOf({ namespace, relation, kind, name, recorded, found }: Explained): Difference {
  return { namespace, relation, kind, name, recorded, found }
}

function isChange({ recorded, found }: Difference): boolean {
  return recorded !== null && found !== null
}

function keyOf({ namespace, relation, kind, name }: Difference): string {
  return JSON.stringify([namespace, relation, kind, name])
}

/** What it is a part of: `function rights` of the function, a column of whatever holds its table. */
function wholesOf(one: Difference): readonly string[] {
  const [, owned] = /^(.+) (?:rights|settings|comment)$/.exec(one.kind) ?? []
  if (owned !== undefined) return [keyOf({ ...one, kind: owned })]
  if (!PARTS.includes(one.kind)) return []
  const publication = { namespace: '', relation: one.name, kind: 'publication', name: '' }
  if (one.kind === 'publication' && one.name !== '')
    return [
      keyOf({ ...one, ...publication }),
      ...HOLDS_PARTS.map((kind) => keyOf({ ...one, kind, name: '' })),
    ]
  return HOLDS_PARTS.map((kind) => keyOf({ ...one, kind, name: '' }))
}

const HOLDS_PARTS: readonly string[] = ['table', 'view', 'materialized view']
const PARTS: readonly string[] = [
  'column',
  'constraint',
  'index',
  'trigger',
  'policy',
  'rule',
  'statistics',
  'publication',
  'owner',
  'grant',
]

/** May only the words be others? Of what we put into words ourselves they are not: there a difference is one. */
function isReprinted(one: Explained): one is Explained & { readonly printedBy: number } {
  const { kind, recorded, found } = one
  if (one.printedBy === null || recorded === null || found === null || kind.endsWith(' comment')) return false
  if (RIGHTS.includes(kind)) return withoutMaintain(recorded) === withoutMaintain(found)
  return PRINTED.includes(kind) || [recorded, found].some((text) => WITH_EXPRESSION.test(text))
}

/** Of these the words are ours, and the server knows new rights. */
const RIGHTS: readonly string[] = ['grant', 'rights by default']

const PRINTED: readonly string[] = [
  'constraint',
  'index',
  'trigger',
  'policy',
  'rule',
  'statistics',
  'publication',
  'view',
  'materialized view',
  'function',
  'procedure',
]

/** Of columns, domains and partitions. */
const WITH_EXPRESSION = / default | generated always as \(| constraint | partition of |^partitioned by /

/** A right that came with PostgreSQL 17, and that whoever had all of them has since an upgrade. */
function withoutMaintain(rights: string): string {
  return rights
    .split(', ')
    .filter((right) => !right.startsWith('MAINTAIN'))
    .join(', ')
}
