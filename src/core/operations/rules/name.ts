import { BellowsError } from '../../errors.ts'
import { identifierProblem } from '../../identifier.ts'
import { defaultName } from '../../plan/names.ts'
import { type Facts, nameKey } from '../../schema/facts.ts'
import { constraintNames, type QualifiedName, type Table } from '../../schema/model.ts'
import type { Context } from '../operation.ts'
import { readExclusion } from './read.ts'
import type { Rule } from './rule.ts'
import { columnsOf } from './words.ts'

/** PostgreSQL counts on until a name is free; who needs more of one kind had better name them. */
const NAMES_TRIED = 5

/** Names that a rule could get, the first free one being it: the one that was asked for, or those that PostgreSQL would try. */
function candidates(
  rule: Rule,
  table: QualifiedName,
  wanted: string | undefined,
  tried = NAMES_TRIED,
): readonly string[] {
  if (wanted !== undefined) return [wanted]
  const [parts, suffix] = defaultParts(rule)
  return Array.from({ length: tried }, (_, at) =>
    defaultName(table.name, parts, at === 0 ? suffix : `${suffix}${at}`),
  )
}

function defaultParts(rule: Rule): readonly [readonly string[], string] {
  switch (rule.kind) {
    case 'check': {
      const columns = columnsOf(rule)
      return [columns.length === 1 ? columns : [], 'check']
    }
    case 'unique':
      return [[...rule.columns, ...rule.include], 'key']
    case 'primary_key':
      return [[], 'pkey']
    case 'foreign_key':
      return [rule.columns, 'fkey']
    case 'exclusion': {
      const read = readExclusion(rule.elements)
      return ['problem' in read ? [] : read.nameParts, 'excl']
    }
  }
}

/** Constraints with an index share their names with all relations of the namespace. */
function hasIndex(rule: Rule): boolean {
  return rule.kind === 'unique' || rule.kind === 'primary_key' || rule.kind === 'exclusion'
}

/** The names whose being taken must be asked for. */
export function namesAsked(
  rule: Rule,
  table: QualifiedName,
  wanted: string | undefined,
): readonly QualifiedName[] {
  if (!hasIndex(rule)) return []
  return candidates(rule, table, wanted).map((name) => ({ namespace: table.namespace, name }))
}

/** The name of a rule; after `ruleNameProblems` there is one. */
export function ruleName(
  rule: Rule,
  table: Table,
  wanted: string | undefined,
  { facts }: Pick<Context, 'facts'>,
): string | undefined {
  // What has no index shares its name with constraints of the table alone, and a foreign key to a partitioned table takes many of them.
  const tried = hasIndex(rule) ? NAMES_TRIED : constraintNames(table).length + 1
  return candidates(rule, table, wanted, tried).find((name) => !isTaken(rule, table, name, facts))
}

function isTaken(rule: Rule, table: Table, name: string, facts: Facts): boolean {
  if (constraintNames(table).includes(name)) return true
  if (!hasIndex(rule)) return false
  return (
    table.indexes.some((one) => one.name === name) ||
    facts.names[nameKey({ namespace: table.namespace, name })] === 'taken'
  )
}

export function ruleNameProblems(
  rule: Rule,
  table: Table,
  wanted: string | undefined,
  context: Pick<Context, 'facts'>,
): readonly BellowsError[] {
  const problem = wanted === undefined ? undefined : identifierProblem(wanted)
  if (problem !== undefined)
    return [new BellowsError('name_invalid', `The constraint name "${wanted}" ${problem}.`)]
  if (ruleName(rule, table, wanted, context) !== undefined) return []
  return [nameTaken(candidates(rule, table, wanted)[0] ?? '', table)]
}

export function nameTaken(name: string, table: QualifiedName): BellowsError {
  return new BellowsError(
    'name_invalid',
    `The name "${name}" is taken: a constraint of "${table.name}" or a relation of "${table.namespace}" has it.`,
    { hint: 'Give another name, or drop the operation if that constraint is the one you mean.' },
  )
}
