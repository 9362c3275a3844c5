import { messageOf } from '../../core/errors.ts'
import { join, lit, qualified, regclass, type Sql, sql } from '../../core/sql.ts'
import type { Scratch } from './scratch.ts'

/**
 * Why a mapping does not mean the same to every session, or nothing. It must be what a generated column may be, which the server is asked. That
 * takes two things that are not: a constant, which each session reads anew from the text of a trigger, by settings of its
 * own; and the text of what is written by settings, such as the digits of a float.
 * @param made makes a table of that name, whose only default is the mapping
 */
export async function unsteady(scratch: Scratch, made: (table: Sql) => Sql): Promise<string | undefined> {
  try {
    const [east, west] = [await readUnder(scratch, EAST, made), await readUnder(scratch, WEST, made)]
    if (east.tree !== west.tree) return READ_OTHERWISE
    return east.problem ?? undefined
  } catch (error) {
    return messageOf(error)
  }
}

const READ_OTHERWISE = `it has a constant that is another one where a session has another TimeZone, DateStyle or IntervalStyle; write a day as '2026-01-31', and a moment with its offset, as '2026-01-31 12:00:00+00'`
const WRITTEN_OTHERWISE = `it makes a text of a float, of bytes or of an interval, and the session says how that is written (extra_float_digits, bytea_output, IntervalStyle); write such as round(x::numeric, 6)::text, or encode(x, 'hex')`

/** No day and no moment is read the same way in both, and it is never today in both at once. */
const EAST = { TimeZone: 'Etc/GMT-14', DateStyle: 'SQL, DMY', IntervalStyle: 'postgres', array_nulls: 'on' }
const WEST = {
  TimeZone: 'Etc/GMT+12',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'sql_standard',
  array_nulls: 'off',
}

interface Read {
  /** What the server has understood, without the places in the text. */
  readonly tree: string
  /** Is a value written by settings? */
  readonly problem: string | null
}

async function readUnder(
  scratch: Scratch,
  settings: Readonly<Record<string, string>>,
  made: (table: Sql) => Sql,
): Promise<Read> {
  const table = { namespace: scratch.namespace, name: 'bellows_mapping' }
  const answers = await scratch.try([
    ...Object.entries(settings).map(
      ([name, value]) => sql`select pg_catalog.set_config(${lit(name)}, ${lit(value)}, true)`,
    ),
    made(qualified(table)),
    sql`select tree, case when tree ~ ${GOES_BY_SETTINGS} then ${lit(WRITTEN_OTHERWISE)} end as problem from (
  select pg_catalog.regexp_replace(adbin::pg_catalog.text, ' :location -?[0-9]+', '', 'g') as tree
    from pg_catalog.pg_attrdef where adrelid = ${regclass(table)}) as made`,
  ])
  const [read] = answers.at(-1) as unknown as readonly [Read]
  return read
}

/** Marked as immutable, and they go by a setting: the digits of a float, how bytes are written, and before PostgreSQL 15 a span of time. */
const OUTPUTS = [
  'interval_',
  'float4',
  'float8',
  'point_',
  'lseg_',
  'path_',
  'box_',
  'poly_',
  'line_',
  'circle_',
  'bytea',
].map((of) => lit(`${of}out`))

/** Is the text of a value of the type another one under other settings, though its output is marked as immutable? */
export function writtenBySettings(type: Sql): Sql {
  return sql`(select proname in (${join(OUTPUTS)}) from pg_catalog.pg_proc where oid = ${type}.typoutput)`
}

/**
 * The conversion of such a value through its text (CoerceViaIO), by the words of PostgreSQL's node trees (outfuncs.c). A part whose own type
 * stands behind what it is made of counts where there is such a type anywhere.
 */
const IN_FRONT = '[A-Z]+ (:[a-z]+ [0-9-]+ )*:[a-z]*type(Id)?'
const BEHIND = '(COERCEVIAIO|RELABELTYPE|COERCETODOMAIN) .*type'
const CONVERSION = String.raw`\{COERCEVIAIO :arg \{(${IN_FRONT}|${BEHIND}) (%s) `
const GOES_BY_SETTINGS = sql`(select pg_catalog.format(${lit(CONVERSION)}, pg_catalog.string_agg(t.oid::pg_catalog.text, '|'))
    from pg_catalog.pg_type t where ${writtenBySettings(sql`t`)})`
