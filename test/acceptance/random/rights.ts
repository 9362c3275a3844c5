import type { Privilege } from '../../../src/core/operations/grant/privileges.ts'
import { id } from '../../../src/core/sql.ts'
import type { Draw } from './draw.ts'
import { atStart, type Drawn, drawPlace, type Generator, using, type Way } from './way.ts'

const ROLES = ['pg_monitor', 'pg_read_all_stats'] as const
/** Nobody else is given anything on a table, and each once at most. */
const ROLES_OF_TABLES = [
  'pg_read_all_stats',
  'pg_read_all_settings',
  'pg_stat_scan_tables',
  'pg_signal_backend',
] as const
const OF_TABLES: readonly Privilege[] = ['select', 'insert', 'update', 'references']

/** Something of its own, as GRANT names it, and how it is made. */
const THINGS = [
  {
    kind: 'sequence',
    made: (name: string) => `create sequence ${name};`,
    privileges: ['usage', 'select', 'update'],
  },
  { kind: 'schema', made: (name: string) => `create schema ${name};`, privileges: ['usage', 'create'] },
  {
    kind: 'function',
    made: (name: string) =>
      `create function ${name}(integer) returns integer language sql return 1; revoke all on function ${name} from public;`,
    privileges: ['execute'],
  },
  {
    kind: 'type',
    made: (name: string) => `create type ${name} as enum ('a'); revoke all on type ${name} from public;`,
    privileges: ['usage'],
  },
  {
    kind: 'domain',
    made: (name: string) => `create domain ${name} as text; revoke all on domain ${name} from public;`,
    privileges: ['usage'],
  },
] as const satisfies readonly {
  readonly kind: string
  readonly made: (name: string) => string
  readonly privileges: readonly Privilege[]
}[]

interface Rights {
  readonly on: string
  /** As in SQL. */
  readonly target: string
  readonly columns?: readonly string[]
  readonly privileges: readonly Privilege[]
  readonly role: string
  readonly option: boolean
  /** Makes what they are on. */
  readonly made: string
  readonly way: Way
}

export const grant: Generator = (draw, way) => {
  const rights = drawRights(draw, way)
  if (rights === undefined) return undefined
  const { on, columns, privileges, role, option, made } = rights
  return drawn(
    rights,
    made,
    {
      kind: 'grant',
      namespace: 'public',
      on,
      ...(columns === undefined ? {} : { columns }),
      privileges,
      to: [role],
      ...(option ? { with_grant_option: true } : {}),
    },
    [made, granted(rights)],
  )
}

export const revoke: Generator = (draw, way) => {
  const rights = drawRights(draw, way)
  if (rights === undefined) return undefined
  const { on, columns, privileges, role, option, made } = rights
  const onlyOption = option && draw.chance(0.5)
  return drawn(
    rights,
    `${made} ${granted(rights)}`,
    {
      kind: 'revoke',
      namespace: 'public',
      on,
      ...(columns === undefined ? {} : { columns }),
      privileges,
      from: [role],
      ...(onlyOption ? { grant_option_for: true } : {}),
    },
    [made, onlyOption ? granted({ ...rights, option: false }) : revoked(rights)],
  )
}

function drawn(
  { way }: Rights,
  given: string,
  operation: Drawn['operation'],
  more: readonly string[],
): Drawn {
  return { operation, way: { ...way, more: [...way.more, ...more] }, besides: { given } }
}

function granted(rights: Rights): string {
  const { target, role, option } = rights
  return `grant ${listed(rights)} on ${target} to ${role}${option ? ' with grant option' : ''};`
}

function revoked(rights: Rights): string {
  return `revoke ${listed(rights)} on ${rights.target} from ${rights.role};`
}

function listed({ columns, privileges }: Rights): string {
  const list = columns === undefined ? '' : ` (${columns.map((name) => id(name)).join(', ')})`
  return privileges.map((one) => `${one}${list}`).join(', ')
}

function drawRights(draw: Draw, way: Way): Rights | undefined {
  const role = draw.one(ROLES)
  const option = draw.chance(0.3)
  if (draw.chance(0.5)) {
    const { kind, made, privileges } = draw.one(THINGS)
    const name = draw.name()
    const target = `${kind} ${id(name)}${kind === 'function' ? '(integer)' : ''}`
    return { on: target, target, privileges: some(draw, privileges), role, option, made: made(id(name)), way }
  }
  const place = drawPlace(draw, way.free)
  if (place === undefined) return undefined
  const { table, column } = place
  const target = `table ${id(atStart(way, table))}`
  const isFree = (one: string) =>
    !way.more.some((text) => text.includes(` on ${target} `) && text.endsWith(`${one};`))
  const free = ROLES_OF_TABLES.find((one) => isFree(one) && isFree(`${one} with grant option`))
  if (free === undefined) return undefined
  return {
    on: id(table),
    target,
    ...(draw.chance(0.5) ? { columns: [column.name] } : {}),
    privileges: some(draw, OF_TABLES),
    role: free,
    option,
    made: '',
    way: using(way, place),
  }
}

function some<T>(draw: Draw, all: readonly T[]): readonly T[] {
  const drawn = all.filter(() => draw.chance(0.5))
  return drawn.length === 0 ? [draw.one(all)] : drawn
}
