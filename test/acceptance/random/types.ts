/** How to make a value of a type: another one for every number, but of those that have only two. */
const VALUES = {
  integer: (n: string) => `(${n})::integer`,
  bigint: (n: string) => `(${n})::bigint`,
  text: (n: string) => `'v' || (${n})`,
  'character varying(40)': (n: string) => `'v' || (${n})`,
  'character(40)': (n: string) => `'v' || (${n})`,
  'numeric(12,2)': (n: string) => `(${n})::numeric / 4`,
  'double precision': (n: string) => `(${n})::double precision / 8`,
  'timestamp with time zone': (n: string) => `timestamptz '2024-01-01 00:00Z' + (${n}) * interval '1 minute'`,
  date: (n: string) => `date '2024-01-01' + (${n})::integer`,
  uuid: (n: string) => `md5((${n})::text)::uuid`,
  bytea: (n: string) => `decode(md5((${n})::text), 'hex')`,
  inet: (n: string) => `inet '10.0.0.0' + (${n})::bigint`,
  int4range: (n: string) => `int4range((${n})::integer, (${n})::integer + 5)`,
  jsonb: (n: string) => `jsonb_build_object('n', (${n}))`,
  json: (n: string) => `json_build_object('n', (${n}))`,
  'integer[]': (n: string) => `array[(${n})::integer, 7]`,
  'text[]': (n: string) => `array['v,' || (${n}), null, 'x"y']`,
  boolean: (n: string) => `(${n}) % 2 = 0`,
  'public.tone': (n: string) =>
    `case when (${n}) % 2 = 0 then 'low'::public.tone else 'high'::public.tone end`,
} as const
export type TypeName = keyof typeof VALUES

export const DEFAULTS: Readonly<Record<TypeName, string>> = {
  integer: '7',
  bigint: '7',
  text: "'none'",
  'character varying(40)': "'none'",
  'character(40)': "'none'",
  'numeric(12,2)': '1.50',
  'double precision': '0.5',
  'timestamp with time zone': 'now()',
  date: 'CURRENT_DATE',
  uuid: "'00000000-0000-0000-0000-000000000000'",
  bytea: "'\\x00ff'",
  inet: "'127.0.0.1'",
  int4range: "'[1,3)'",
  jsonb: `'{"a": 1}'`,
  json: `'{"a":  1}'`,
  'integer[]': "'{1,2}'",
  'text[]': `'{a,NULL}'`,
  boolean: 'true',
  'public.tone': `'low'`,
}

export const TYPES = Object.keys(VALUES) as readonly TypeName[]

/** Made with every database, before its tables. */
export const OWN_TYPES = `create type public.tone as enum ('low', 'high');`

export function typedValue(type: TypeName, n: string): string {
  return VALUES[type](n)
}

/** The same where the expression must be immutable. */
export function immutableSql(type: TypeName, n: string): string {
  if (type === 'timestamp with time zone') return `to_timestamp((${n})::double precision)`
  if (type === 'jsonb' || type === 'json') return `(${n})::text::${type}`
  return VALUES[type](TOLD_BY_NUMBER.includes(type) ? `(${n})::text` : n)
}

const TOLD_BY_NUMBER: readonly TypeName[] = ['text', 'character varying(40)', 'character(40)', 'text[]']

/** Has it an order, by which an index or a rule can tell values apart? */
export function isOrdered(type: string): boolean {
  return type !== 'json' && type !== 'jsonb'
}

/** Has it a value of its own for every row? */
export function isManifold(type: string): boolean {
  return type !== 'json' && type !== 'boolean' && type !== 'public.tone'
}
