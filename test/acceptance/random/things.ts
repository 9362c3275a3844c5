import { id } from '../../../src/core/sql.ts'
import { atStart, type Drawn, drawPlace, type Generator, isRenamed, using, type Way } from './way.ts'

/** What is no table, and how it is made; each number makes another one of the same name. */
interface Kind {
  readonly name: string
  readonly definition: (thing: Thing, number: number) => string
  /** Takes the place of the old one by OR REPLACE. */
  readonly replaces: boolean
  readonly called: (thing: Thing) => string
  /** Makes what it calls. */
  readonly before?: (thing: Thing) => string
}

/** Names as in SQL. */
interface Thing {
  readonly name: string
  readonly table: string
  /** Of a function of its own, for a trigger. */
  readonly other: string
}

const KINDS: readonly Kind[] = [
  {
    name: 'function',
    definition: ({ name }, number) =>
      `create function ${name}(n integer) returns integer language sql immutable as 'select n + ${number}'`,
    replaces: true,
    called: ({ name }) => `function ${name}(integer)`,
  },
  {
    name: 'view',
    definition: ({ name, table }, number) =>
      `create view ${name} as select id from ${table} where id > ${number}`,
    replaces: true,
    called: ({ name }) => `view ${name}`,
  },
  {
    name: 'trigger',
    definition: ({ name, table, other }, number) =>
      `create trigger ${name} ${['before insert', 'after update'][number]} on ${table} for each row execute function ${other}()`,
    replaces: false,
    called: ({ name, table }) => `trigger ${name} on ${table}`,
    before: ({ other }) =>
      `create function ${other}() returns trigger language plpgsql as 'begin return new; end';`,
  },
  {
    name: 'policy',
    definition: ({ name, table }, number) => `create policy ${name} on ${table} using (id > ${number})`,
    replaces: false,
    called: ({ name, table }) => `policy ${name} on ${table}`,
  },
]

interface DrawnThing {
  readonly kind: Kind
  /** By the name that its table has at the start. */
  readonly thing: Thing
  /** As an operation says it. */
  readonly said: Thing
  /** Its table stays what it is. */
  readonly way: Way
}

const drawThing = (...[draw, way]: Parameters<Generator>): DrawnThing | undefined => {
  const [kind, name, other] = [draw.one(KINDS), draw.name(), draw.name()]
  // Only what hangs on a table is said by the new name of that.
  const isHanging = kind.name === 'trigger' || kind.name === 'policy'
  const isElse = isRenamed(way)
  const place = drawPlace(draw, isHanging ? way.free : way.free.filter((one) => !isElse(one)))
  if (place === undefined) return undefined
  const thing = { name: id(name), table: id(atStart(way, place.table)), other: id(other) }
  return { kind, thing, said: { ...thing, table: id(place.table) }, way: using(way, place) }
}

/** @param given which of its kind is there at the start, and in the end */
function lived(
  { kind, thing, way }: DrawnThing,
  operation: Drawn['operation'],
  [given, end]: readonly [number | undefined, number | undefined],
): Drawn {
  const before = kind.before?.(thing) ?? ''
  const made = (number: number | undefined) =>
    number === undefined ? before : `${before} ${kind.definition(thing, number)};`
  return {
    operation,
    way: { ...way, more: [...way.more, made(end)] },
    besides: { given: made(given) },
  }
}

export const createObject: Generator = (draw, way) => {
  const drawn = drawThing(draw, way)
  if (drawn === undefined) return undefined
  const { kind, said } = drawn
  const definition = kind.definition(said, 0)
  return lived(drawn, { kind: 'create_object', namespace: 'public', definition }, [undefined, 0])
}

export const replaceObject: Generator = (draw, way) => {
  const drawn = drawThing(draw, way)
  if (drawn === undefined) return undefined
  const { kind, said } = drawn
  const definition = kind.definition(said, 1)
  const stated = kind.replaces ? definition.replace('create', 'create or replace') : definition
  return lived(drawn, { kind: 'replace_object', namespace: 'public', definition: stated }, [0, 1])
}

export const dropObject: Generator = (draw, way) => {
  const drawn = drawThing(draw, way)
  if (drawn === undefined) return undefined
  const object = drawn.kind.called(drawn.said)
  return lived(drawn, { kind: 'drop_object', namespace: 'public', object }, [0, undefined])
}

export const runSql: Generator = (draw, way) => draw.one([made, made, madeLast, dropped])(draw, way)

/** When no instance of the old version is left. */
const madeLast: Generator = (draw, way) => {
  const up = `create sequence ${id(draw.name())}`
  return {
    operation: { kind: 'sql', namespace: 'public', up, phase: 'contract' },
    way: { ...way, more: [...way.more, `${up};`] },
  }
}

const dropped: Generator = (draw, way) => {
  const [what, name] = [draw.one(['sequence', 'view']), id(draw.name())]
  const given = `create ${what} ${name}${what === 'sequence' ? '' : ' as select 1 as n'};`
  return {
    operation: { kind: 'sql', namespace: 'public', up: `drop ${what} ${name}`, phase: 'contract' },
    way,
    besides: { given },
  }
}

const made: Generator = (draw, way) => {
  const [name, what] = [id(draw.name()), draw.one(['sequence', 'materialized view'])]
  const up = `create ${what} ${name}${what === 'sequence' ? '' : ' as select 1 as n'}`
  return {
    operation: { kind: 'sql', namespace: 'public', up, down: `drop ${what} ${name}`, phase: 'expand' },
    way: { ...way, more: [...way.more, `${up};`] },
  }
}
