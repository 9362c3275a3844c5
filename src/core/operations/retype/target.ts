import { readType } from '../../parse.ts'
import type { Facts, TypeFacts } from '../../schema/facts.ts'
import { collationAsNamed, collationKey } from '../../schema/mappings.ts'
import type { Column } from '../../schema/model.ts'
import { keptCollation } from '../copy/work.ts'
import type { Problem, Retype } from './retype.ts'

/** What the column is to be. */
export interface Target extends TypeFacts {
  readonly collation: Column['collation']
  readonly notNull: boolean
}

/** @param adopted the column that is there and is to take the place of the old one: it stays what it is */
export function targetOf(op: Retype, from: Column, facts: Facts, adopted?: Column): Target | Problem {
  const type = adopted ?? (op.type === undefined ? from : facts.types[op.type])
  if (type === undefined || (op.type !== undefined && typeof readType(op.type) !== 'string'))
    return { problem: `there is no type "${op.type}"` }
  if (adopted?.typeConstrained === true)
    return {
      problem: `${type.type} is a domain with a constraint or a default, and "${adopted.name}" is there already`,
    }
  if (type !== from && type.typeKind === 'composite') return { problem: `${type.type} is a composite type` }
  const named = op.collation === undefined ? undefined : { namespace: op.namespace, name: op.collation }
  const found = named === undefined ? undefined : facts.collations[collationKey(named)]
  if (named !== undefined && found === undefined)
    return { problem: `there is no collation "${op.collation}"` }
  if (named !== undefined && !type.collatable)
    return { problem: `${type.type} has no order of texts, so it takes no collation` }
  const { baseType, typeKind, typeConstrained, collatable, typeStorage } = type
  const wanted = found === undefined ? keptCollation(from, type) : collationAsNamed(found)
  return {
    type: type.type,
    baseType,
    typeKind,
    typeConstrained,
    collatable,
    typeStorage,
    collation: adopted === undefined ? wanted : adopted.collation,
    notNull: op.nullable === false || !from.nullable,
  }
}
