import { readOverRow } from '../../over-row.ts'
import { readType } from '../../parse.ts'
import { castTo, cuts, type RowMapping } from '../../plan/mapping.ts'
import { problemOf } from '../../plan/problem-of.ts'
import type { Facts, TypeFacts } from '../../schema/facts.ts'
import { type MappingFacts, type MappingNeed, mappingKey } from '../../schema/mappings.ts'
import { type Column, findColumn, type Table } from '../../schema/model.ts'
import type { Sql } from '../../sql.ts'
import { downNeeds, type Reshape, upNeeds } from './reshape.ts'

export interface Resolved {
  readonly olds: readonly Column[]
  /** Of the new columns, in their order. */
  readonly types: readonly TypeFacts[]
  readonly mapping: RowMapping
  /** What a row of NULLs becomes, column by column. */
  readonly ups: readonly MappingFacts['ofNull'][]
  readonly downs: readonly MappingFacts['ofNull'][]
}

/** Both directions, as the server takes them, or everything that is wrong with them. */
export function resolved(
  shape: Reshape,
  table: Table,
  facts: Facts,
): Resolved | { readonly problems: readonly string[] } {
  const olds = shape.olds.flatMap(({ name }) => findColumn(table, name) ?? [])
  const found = shape.news.map(({ name, type }) => typeOf(name, type, facts))
  const types = found.flatMap((one) => (typeof one === 'string' ? [] : [one]))
  const ups = upNeeds(shape).map((need) => wayOf(need, facts))
  const downs = downNeeds(shape).map((need) => wayOf(need, facts))
  const problems = [...found, ...ups, ...downs].filter((one) => typeof one === 'string')
  if (problems.length > 0) return { problems }
  const [there, back] = [ups, downs].map((ways) =>
    ways.flatMap((one) => (typeof one === 'string' ? [] : [one])),
  )
  return {
    olds,
    types,
    mapping: {
      up: mapped(there ?? [], shape.olds, types),
      down: mapped(back ?? [], shape.news, olds),
      isIdentity: false,
    },
    ups: (there ?? []).map(({ ofNull }) => ofNull),
    downs: (back ?? []).map(({ ofNull }) => ofNull),
  }
}

interface Way extends MappingFacts {
  readonly at: (place: (column: string) => Sql) => Sql
}

/** Every value of one side, out of the columns of the other side at their places. */
function mapped(
  ways: readonly Way[],
  over: readonly { readonly name: string }[],
  targets: readonly TypeFacts[],
): (places: readonly Sql[]) => readonly Sql[] {
  return (places) => {
    const place = (column: string) => places[over.findIndex(({ name }) => name === column)] as Sql
    return ways.map((way, at) => castTo(targets[at] as TypeFacts)(way.at(place)))
  }
}

function wayOf(need: MappingNeed, facts: Facts): Way | string {
  const { expression, over, into } = need
  const read = readOverRow(
    expression,
    over.map(({ name }) => name),
  )
  const known = facts.mappings[mappingKey(need)]
  const problem = problemOf(read, known, 'the server was not asked about it')
  if (problem !== undefined || 'problem' in read || known === undefined || 'problem' in known)
    return `The expression for "${into.name}" (${expression}) cannot be used: ${problem}.`
  return { ...known, at: read.at }
}

function typeOf(name: string, text: string, { types }: Facts): TypeFacts | string {
  const type = types[text]
  if (type === undefined || typeof readType(text) !== 'string')
    return `There is no type "${text}" for the column "${name}".`
  if (type.typeConstrained)
    return `${type.type} is a domain with constraints; adding such a column rewrites the table.`
  if (type.typeKind === 'composite')
    return `${type.type} is a composite type, where NULL cannot be told from a row of NULLs.`
  if (cuts(type)) return `Values cannot be assigned to ${type.type} without being cut.`
  return type
}
