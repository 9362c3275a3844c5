import type { Index } from './indexes.ts'
import { keepPlaces, placeOf } from './table-places.ts'

/** The immutable model of the tables that a migration touches, as `adapters/postgres/introspect.ts` reads them. */
export interface Schema {
  readonly tables: readonly Table[]
}

export interface QualifiedName {
  readonly namespace: string
  readonly name: string
}

export interface Table extends QualifiedName {
  readonly kind: 'table' | 'partitioned' | 'partition' | 'foreign' | 'view'
  /** Plain inheritance, in either direction. Partitions do not count. */
  readonly inherits: boolean
  readonly columns: readonly Column[]
  readonly constraints: readonly Constraint[]
  readonly indexes: readonly Index[]
  /** Of the user; ours do not count. */
  readonly triggers: readonly Trigger[]
  /** Rules of the user that make something else of an UPDATE of it, or of a partition of it. */
  readonly updateRules: readonly string[]
  /** What hangs on a column from outside and is neither an index nor a constraint nor a default of its own table. */
  readonly dependents: readonly Dependent[]
  /** Functions whose text names both the table and a column; they may break, nobody can be sure. */
  readonly mentions: readonly Dependent[]
  /** Foreign keys of other tables that point at it. */
  readonly referencedBy: readonly ReferencingKey[]
  /** Relations of the namespace whose names begin with the table's, or with the beginning of a long one: names that a copy cannot take. */
  readonly neighbours: readonly string[]
  /** May the connected role change the table, that is: is it a member of the owner. */
  readonly owned: boolean
  /** May the connected role make foreign keys that point at it. */
  readonly mayReference: boolean
  /** Has it the columns of a composite type (`CREATE TABLE … OF`)? */
  readonly typed: boolean
  readonly rowSecurity: boolean
  readonly rowSecurityForced: boolean
  /** On the table as a whole, those of its owner included. */
  readonly grants: readonly TableGrant[]
  /** Tables that its foreign keys point at, to which the connected role could make no such key. */
  readonly closedPartners: readonly QualifiedName[]
  /** Columns that the connected role may not reference, or not read, or of which rows are hidden from it; none of what is its own. */
  readonly closed: readonly string[]
  /** Does a publication send its updates and deletes, for which it needs a replica identity? */
  readonly published: boolean
  /** Attribute numbers used up, dropped columns included, in the table or the partition with the most of them. PostgreSQL never reuses one. */
  readonly columnSlots: number
  /** Of a partitioned table: its partitions on all levels, each behind the one that it is a part of, the default one behind its siblings. */
  readonly parts: readonly Part[]
  /** Columns by which it is partitioned, or a partition of it is. */
  readonly keyedBy: readonly string[]
  /** Planner's estimate, -1 when the table was never analysed. */
  readonly rowsEstimate: number
  readonly bytes: number
  readonly comment: string | null
  /** Storage parameters, such as `fillfactor=70`; those of its TOAST table as `toast.autovacuum_enabled=false`. */
  readonly options: readonly string[]
  /** What the log says of a row that is changed or deleted; with `index` it is the index that is marked so. */
  readonly replicaIdentity: 'default' | 'nothing' | 'full' | 'index'
  /** Publications that tell of changed or deleted rows of it. */
  readonly publications: readonly string[]
}

export interface TableGrant extends Omit<Grant, 'privilege'> {
  /** As PostgreSQL calls it, such as `DELETE`. */
  readonly privilege: string
}

export interface ReferencingKey {
  readonly table: QualifiedName
  readonly constraint: string
  /** As a dependent is called: `orders_user_id_fkey on public.orders`. */
  readonly identity: string
}

export interface Part extends QualifiedName {
  readonly kind: 'table' | 'partitioned' | 'foreign'
  /** What it is a part of: the table, or another part. */
  readonly under: QualifiedName
  readonly owned: boolean
  /** What it has of its own on columns, and not from its table: a change of the table would lose it, or not reach it. */
  readonly own: readonly {
    /** As a person would call it, such as `the index orders_2024_note_idx of its own`. */
    readonly what: string
    readonly columns: readonly string[]
  }[]
  /** What hangs on it as on a table of its own; asked for where its table is to leave. */
  readonly hanging?: Pick<Table, 'dependents' | 'mentions'>
}

export type Storage = 'plain' | 'external' | 'extended' | 'main'

/** Stable is whatever is not known to give another value for each row; the server is not asked whether it could change at all. */
export type Volatility = 'stable' | 'volatile'

export interface Column {
  readonly name: string
  /** With its modifier, such as `character varying(20)`. */
  readonly type: string
  /** Without it, such as `character varying`. */
  readonly baseType: string
  readonly typeKind: 'base' | 'domain' | 'composite' | 'other'
  /** A domain with a constraint or a default: adding such a column rewrites the table, or fills it. */
  readonly typeConstrained: boolean
  /** Are values of the type put in order by a collation, which a column may choose? */
  readonly collatable: boolean
  /** Only when it is not the one of the type. */
  readonly collation: QualifiedName | null
  readonly nullable: boolean
  readonly default: string | null
  readonly defaultVolatility: Volatility | null
  /** What a default that is a literal comes to, as text; null for any other. */
  readonly defaultText: string | null
  readonly generated: 'no' | 'stored' | 'virtual'
  readonly identity: 'no' | 'always' | 'by_default'
  readonly comment: string | null
  /** -1 is the default of the server. */
  readonly statisticsTarget: number
  /** Such as `n_distinct=-0.5`. */
  readonly options: readonly string[]
  readonly storage: Storage
  /** What a new column of the type would have. */
  readonly typeStorage: Storage
  readonly compression: 'pglz' | 'lz4' | null
  readonly grants: readonly Grant[]
  /** Sequences that are owned by the column (`serial`) and would go with it. */
  readonly sequences: readonly QualifiedName[]
}

export interface Grant {
  /** A role, or `public` when `toPublic`. */
  readonly grantee: string
  readonly toPublic: boolean
  readonly privilege: 'SELECT' | 'INSERT' | 'UPDATE' | 'REFERENCES'
  readonly grantable: boolean
}

export interface Constraint {
  readonly name: string
  readonly kind: 'primary_key' | 'unique' | 'foreign_key' | 'check' | 'exclusion' | 'not_null'
  /** Of this table, in the order of the constraint. */
  readonly columns: readonly string[]
  /** What `pg_get_constraintdef` prints. */
  readonly definition: string
  readonly validated: boolean
  readonly deferrable: boolean
  readonly comment: string | null
  /** The index that carries a key. */
  readonly index: string | null
  /** The other table of a foreign key. */
  readonly references: QualifiedName | null
  /** Where the other table is partitioned: its partitions on all levels. The foreign key has one under it to each. */
  readonly partnerParts?: readonly QualifiedName[] | null
  /** What the keys to those partitions are called: names of constraints of this table, too. */
  readonly under?: readonly string[] | null
  readonly setsDefault: boolean
  /** What PostgreSQL would have to drop with it, such as foreign keys of other tables, each as it describes it. */
  readonly dependents: readonly string[]
}

export interface Trigger {
  readonly name: string
  readonly enabled: boolean
  readonly rowLevel: boolean
  readonly before: boolean
  readonly onInsert: boolean
  readonly onUpdate: boolean
  /** Does it, or its function, look at the setting by which it can tell a backfill from writers? */
  readonly asksForBackfill: boolean
  /** The text of its function; empty for one that is not written in a language with text. */
  readonly text: string
}

export interface Dependent {
  /** `view`, `foreign key`, `generated column`, `policy`, `function`, `publication`, `statistics`, `trigger`, `job of pg_cron`, or the catalog's own word. */
  readonly kind: string
  /** As a person would look for it, such as `view public.user_names`. */
  readonly name: string
  /** Absent of what hangs on the table as a whole. */
  readonly column?: string
  /** Does PostgreSQL itself tie it to the column, or the table, so that it goes along when that gets another name? */
  readonly bound?: true
}

/** What would break without a column. */
export interface Dependents {
  readonly found: readonly Pick<Dependent, 'kind' | 'name' | 'bound'>[]
  /** Has pg_cron jobs that this role may not see? */
  readonly areJobsHidden: boolean
}

export function isSameName(a: QualifiedName, b: QualifiedName): boolean {
  return a.namespace === b.namespace && a.name === b.name
}

export function findTable(schema: Schema, of: QualifiedName): Table | undefined {
  return schema.tables[placeOf(of, schema.tables)]
}

export function findColumn(table: Table, name: string): Column | undefined {
  return table.columns.find((column) => column.name === name)
}

export function primaryKeyOf(table: Table): Constraint | undefined {
  return table.constraints.find(({ kind }) => kind === 'primary_key')
}

/** By a key that is checked late no rows are told apart in the log. */
export function hasImmediateKey(table: Table): boolean {
  return primaryKeyOf(table)?.deferrable === false
}

export function primaryKey(table: Table): readonly string[] {
  return primaryKeyOf(table)?.columns ?? []
}

/** Does a foreign key point at a partitioned table, whether or not that has partitions yet? */
export function pointsAtParts({ partnerParts }: Pick<Constraint, 'partnerParts'>): boolean {
  return partnerParts !== undefined && partnerParts !== null
}

/** All names that constraints of a table have. */
export function constraintNames({ constraints }: Pick<Table, 'constraints'>): readonly string[] {
  return constraints.flatMap(({ name, under }) => [name, ...(under ?? [])])
}

/** Does a constraint need a column: as its key, or through its index (INCLUDE, expressions, a predicate)? */
export function needsColumn(table: Table, constraint: Constraint, column: string): boolean {
  const carrying = table.indexes.find((index) => index.constraint === constraint.name)
  return constraint.columns.includes(column) || carrying?.columns.includes(column) === true
}

/** The same schema with one table replaced, or added; `apply` of most operations changes nothing else. */
export function withTable(schema: Schema, changed: Table): Schema {
  const at = placeOf(changed, schema.tables)
  const tables = at < 0 ? [...schema.tables, changed] : schema.tables.with(at, changed)
  keepPlaces(schema.tables, tables, at < 0 ? schema.tables.length : at)
  return { ...schema, tables }
}

export function withoutTable(schema: Schema, gone: QualifiedName): Schema {
  return { ...schema, tables: schema.tables.filter((table) => !isSameName(table, gone)) }
}
