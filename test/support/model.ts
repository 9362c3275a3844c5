import { BellowsError } from '../../src/core/errors.ts'
import type { OperationNeeds } from '../../src/core/operations/needs.ts'
import type { Context } from '../../src/core/operations/operation.ts'
import type { Facts, TypeFacts } from '../../src/core/schema/facts.ts'
import type { Index, IndexFacts } from '../../src/core/schema/indexes.ts'
import { type MappingFacts, mappingKey } from '../../src/core/schema/mappings.ts'
import type {
  Column,
  Constraint,
  Dependent,
  Schema,
  Storage,
  Table,
  Trigger,
} from '../../src/core/schema/model.ts'
import { type Sql, trusted } from '../../src/core/sql.ts'

/** Parts of the schema model with what most of them have; a test states only what it is about. */

const TYPES: Readonly<Record<string, Storage>> = {
  bigint: 'plain',
  boolean: 'plain',
  bytea: 'extended',
  character: 'extended',
  'character varying': 'extended',
  date: 'plain',
  integer: 'plain',
  jsonb: 'extended',
  numeric: 'main',
  smallint: 'plain',
  text: 'extended',
  'timestamp with time zone': 'plain',
}

/** A type as PostgreSQL prints it, such as `character varying(20)`. */
export function type(printed: string, more: Partial<TypeFacts> = {}): TypeFacts {
  const baseType = printed.replace(/\([^)]*\)/, '')
  return {
    type: printed,
    baseType,
    typeKind: 'base',
    typeConstrained: false,
    collatable: /^(text|char)/.test(baseType),
    typeStorage: TYPES[baseType] ?? 'extended',
    ...more,
  }
}

/** A nullable column without anything. */
export function column(name: string, printedType = 'text', more: Partial<Column> = {}): Column {
  const of = type(printedType)
  return {
    ...of,
    name,
    collation: null,
    nullable: true,
    default: null,
    defaultVolatility: (more.default ?? null) === null ? null : 'stable',
    defaultText: null,
    generated: 'no',
    identity: 'no',
    comment: null,
    statisticsTarget: -1,
    options: [],
    storage: of.typeStorage,
    compression: null,
    grants: [],
    sequences: [],
    ...more,
  }
}

function constraint(
  kind: Constraint['kind'],
  name: string,
  columns: readonly string[],
  more: Partial<Constraint> & Pick<Constraint, 'definition'>,
): Constraint {
  return {
    name,
    kind,
    columns,
    validated: true,
    deferrable: false,
    comment: null,
    index: null,
    references: null,
    setsDefault: false,
    dependents: [],
    ...more,
  }
}

export function primaryKeyOf(columns: readonly string[], name = 'users_pkey'): Constraint {
  return constraint('primary_key', name, columns, {
    definition: `PRIMARY KEY (${columns.join(', ')})`,
    index: name,
  })
}

export function unique(name: string, columns: readonly string[], more: Partial<Constraint> = {}): Constraint {
  return constraint('unique', name, columns, {
    definition: `UNIQUE (${columns.join(', ')})`,
    index: name,
    ...more,
  })
}

/** `definition` as `pg_get_constraintdef` prints it. */
export function check(
  name: string,
  columns: readonly string[],
  definition: string,
  more: Partial<Constraint> = {},
): Constraint {
  return constraint('check', name, columns, { definition, ...more })
}

export function foreignKey(
  name: string,
  columns: readonly string[],
  more: Partial<Constraint> = {},
): Constraint {
  return constraint('foreign_key', name, columns, {
    definition: `FOREIGN KEY (${columns.join(', ')}) REFERENCES public.teams(id)`,
    references: { namespace: 'public', name: 'teams' },
    ...more,
  })
}

export function exclusion(name: string, columns: readonly string[]): Constraint {
  return constraint('exclusion', name, columns, {
    definition: `EXCLUDE USING btree (${columns.join(' WITH =, ')} WITH =)`,
    index: name,
  })
}

export function notNull(name: string, columnName: string): Constraint {
  return constraint('not_null', name, [columnName], { definition: `NOT NULL ${columnName}` })
}

export function index(name: string, columns: readonly string[], more: Partial<Index> = {}): Index {
  const kind = more.unique === true ? 'UNIQUE INDEX' : 'INDEX'
  return {
    name,
    columns,
    definition: `CREATE ${kind} ${name} ON public.users USING btree (${columns.join(', ')})`,
    unique: false,
    valid: true,
    constraint: null,
    comment: null,
    replicaIdentity: false,
    clustered: false,
    foreignKeys: [],
    nameParts: columns,
    tablespace: null,
    ...more,
  }
}

/** The index of a key. */
export function indexOf(key: Constraint, more: Partial<Index> = {}): Index {
  return index(key.name, key.columns, { unique: true, constraint: key.name, ...more })
}

export function trigger(name: string, more: Partial<Trigger> = {}): Trigger {
  return {
    name,
    enabled: true,
    rowLevel: true,
    before: true,
    onInsert: true,
    onUpdate: true,
    asksForBackfill: false,
    text: '',
    ...more,
  }
}

export function dependent(kind: string, name: string, columnName = 'name'): Dependent {
  return { kind, name, column: columnName }
}

export const USERS = { namespace: 'public', name: 'users' } as const

/** `users (id bigint primary key, name text)` unless told otherwise. */
export function table(more: Partial<Table> = {}): Table {
  const key = primaryKeyOf(['id'])
  return {
    ...USERS,
    kind: 'table',
    inherits: false,
    typed: false,
    columns: [column('id', 'bigint', { nullable: false }), column('name')],
    constraints: [key],
    indexes: [indexOf(key)],
    triggers: [],
    updateRules: [],
    dependents: [],
    mentions: [],
    neighbours: ['users_pkey'],
    owned: true,
    mayReference: true,
    referencedBy: [],
    rowSecurity: false,
    rowSecurityForced: false,
    grants: [],
    closedPartners: [],
    closed: [],
    published: false,
    columnSlots: 2,
    parts: [],
    keyedBy: [],
    rowsEstimate: 1000,
    bytes: 81_920,
    comment: null,
    options: [],
    replicaIdentity: 'default',
    publications: [],
    ...more,
  }
}

/** The usual table with something beside its key. */
export function tableWith(
  columns: readonly Column[],
  more: Partial<Pick<Table, 'constraints' | 'indexes'>> = {},
): Table {
  const plain = table()
  return table({
    columns: [column('id', 'bigint', { nullable: false }), ...columns],
    constraints: [...plain.constraints, ...(more.constraints ?? [])],
    indexes: [...plain.indexes, ...(more.indexes ?? [])],
    columnSlots: columns.length + 1,
  })
}

export function schemaOf(...tables: readonly Table[]): Schema {
  return { tables }
}

/** How PostgreSQL 18 assigns the types that the tests use to one another; the rest is `none`. */
const CASTS: Facts['casts'] = {
  'smallint -> integer': 'implicit',
  'smallint -> bigint': 'implicit',
  'integer -> bigint': 'implicit',
  'integer -> smallint': 'assignment',
  'bigint -> integer': 'assignment',
  'bigint -> smallint': 'assignment',
  'integer -> numeric': 'implicit',
  'numeric -> integer': 'assignment',
  'character varying -> text': 'implicit',
  'text -> character varying': 'implicit',
  'character varying -> character varying': 'same',
  'numeric -> numeric': 'same',
  'character -> text': 'implicit',
  'text -> character': 'implicit',
  'integer -> text': 'assignment',
  'jsonb -> text': 'assignment',
  'timestamp with time zone -> date': 'assignment',
}

export function facts(more: Partial<Facts> = {}): Facts {
  return {
    serverVersion: 180_004,
    casts: CASTS,
    types: {},
    expressions: {},
    names: {},
    closedNamespaces: [],
    conditions: {},
    values: {},
    mappings: {},
    collations: {},
    indexes: {},
    exclusions: {},
    options: {},
    bounds: {},
    definitions: {},
    reprinted: {},
    answers: {},
    ...more,
  }
}

/** What came of a plain index on columns of `users` that was tried. */
export function triedIndex(
  name: string,
  columns: readonly string[],
  more: Partial<IndexFacts> = {},
): IndexFacts {
  return {
    index: index(name, columns),
    using: `USING btree (${columns.join(', ')})`,
    keys: columns.map((one) => `(${one})`),
    predicate: null,
    nullsDistinct: true,
    namesakes: [],
    ...more,
  }
}

/** Facts that know some types by the text of the migration, each as PostgreSQL prints it. */
export function factsWithTypes(types: Readonly<Record<string, string>>, more: Partial<Facts> = {}): Facts {
  return facts({
    types: Object.fromEntries(Object.entries(types).map(([text, printed]) => [text, type(printed)])),
    ...more,
  })
}

/** Facts of a server that takes the expressions of an operation; what each makes of NULL is NULL unless told otherwise. */
export function mappingFacts(
  needs: OperationNeeds,
  known: readonly (MappingFacts | { readonly problem: string })[] = [],
): Facts['mappings'] {
  return Object.fromEntries(
    (needs.mappings ?? []).map((need, at) => [mappingKey(need), known[at] ?? { ofNull: 'null' }]),
  )
}

export const SEED = 'a seed'

export function context(of: Table | Schema = table(), known: Facts = facts()): Context {
  const schema = 'tables' in of ? of : schemaOf(of)
  return { schema, given: schema, facts: known, seed: SEED }
}

/** What a person is told of each problem. */
export function told(problems: readonly BellowsError[]): readonly (readonly [string, string])[] {
  return problems.map(({ code, message }) => [code, message])
}

/** The error that some work must end with. */
export function thrownBy(work: () => unknown): BellowsError {
  try {
    work()
  } catch (error) {
    if (error instanceof BellowsError) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** SQL of a test, taken unseen. */
export function raw(text: string): Sql {
  return trusted(text)
}
