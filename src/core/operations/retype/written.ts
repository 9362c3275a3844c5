import { readOverRow } from '../../over-row.ts'
import { castTo, cuts, type Mapping } from '../../plan/mapping.ts'
import type { Facts } from '../../schema/facts.ts'
import { type MappingFacts, type MappingNeed, mappingKey } from '../../schema/mappings.ts'
import type { Column } from '../../schema/model.ts'
import type { Sql } from '../../sql.ts'
import { mappingNeeds, type Problem, type Retyped } from './retype.ts'
import type { Target } from './target.ts'

/** By expressions that a person wrote, which the server has seen. Nothing where there are none, and none are needed. */
export function writtenMapping(
  op: Retyped,
  from: Column,
  target: Target,
  facts: Facts,
): Mapping | Problem | undefined {
  if (op.up !== undefined) return byHand(op, op.up, from, { target, facts })
  if (op.down !== undefined) return { problem: '"down" is given without "up"', hint: 'Write both, or none.' }
  if (!target.notNull || !from.nullable) return undefined
  return {
    problem: 'nothing says what becomes of its NULLs',
    hint: `Write up, such as: up: coalesce(${from.name}, <value>)`,
  }
}

function byHand(
  op: Retyped,
  up: string,
  from: Column,
  { target, facts }: { readonly target: Target; readonly facts: Facts },
): Mapping | Problem {
  // An explicit cast to these cuts a value that is too long, and nobody is told.
  if (from.type !== target.type && cuts(target))
    return { problem: `values cannot be assigned to ${target.type} without being cut` }
  const [there, back] = mappingNeeds(op).map((need) => wayOf(need, facts))
  if (there === undefined || 'problem' in there)
    return { problem: `"up" (${up}) cannot be used: ${there?.problem}` }
  if (back !== undefined && 'problem' in back)
    return { problem: `"down" (${op.down}) cannot be used: ${back.problem}` }
  const nulls = nullProblem(op, from, target, { there, back })
  if (nulls !== undefined) return nulls
  const [cast, castBack] = [castTo(target), castTo(from)]
  return {
    up: (old) => cast(there.at(old)),
    down: back === undefined ? undefined : (renewed) => castBack(back.at(renewed)),
  }
}

/** One direction, by an expression that the server takes. */
interface Way extends MappingFacts {
  readonly at: (value: Sql) => Sql
}

function wayOf(need: MappingNeed, facts: Facts): Way | Problem {
  const read = readOverRow(
    need.expression,
    need.over.map(({ name }) => name),
  )
  if ('problem' in read) return read
  const known = facts.mappings[mappingKey(need)]
  if (known === undefined) return { problem: 'the server was not asked about it' }
  return 'problem' in known ? known : { ...known, at: (value) => read.at(() => value) }
}

/** NULL is a value that every writer of a nullable column may write. */
function nullProblem(
  op: Retyped,
  from: Column,
  target: Target,
  { there, back }: { readonly there: Way; readonly back: Way | undefined },
): Problem | undefined {
  if (from.nullable && target.notNull && there.ofNull !== 'value') {
    return {
      problem: `it is to be NOT NULL, and "up" (${op.up}) makes no value of NULL`,
      hint: `Write such as: up: coalesce(${op.up}, <value>)`,
    }
  }
  if (from.nullable && there.ofNull === 'fails') return { problem: `"up" (${op.up}) fails for NULL` }
  if (!target.notNull && back?.ofNull === 'fails') return { problem: `"down" (${op.down}) fails for NULL` }
  return undefined
}
