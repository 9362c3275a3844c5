import type { QualifiedName } from '../../schema/model.ts'
import type { OperationNeeds, Touch } from '../needs.ts'
import { expressionKeyQuestion } from './by-parts.ts'
import { namesAsked } from './name.ts'
import { readExclusion } from './read.ts'
import type { Rule } from './rule.ts'
import { columnsOf } from './words.ts'

/** What must be known to put up a rule, and what it touches. */
export function ruleNeeds(
  table: QualifiedName,
  rule: Rule | undefined,
  wantedName: string | undefined,
): Required<Pick<OperationNeeds, 'conditions' | 'names'>> & OperationNeeds {
  const own = { ...table, columns: [] }
  if (rule === undefined)
    return { tables: [own], conditions: [], names: [], touches: [{ table, how: 'uses' }] }
  const other = rule.kind === 'foreign_key' ? [{ ...rule.other, columns: [] }] : []
  return {
    tables: [own, ...other],
    conditions: rule.kind === 'check' ? [{ table, condition: rule.expression }] : [],
    names: namesAsked(rule, table, wantedName),
    ...(rule.kind === 'unique' || rule.kind === 'primary_key' || rule.kind === 'exclusion'
      ? { questions: [expressionKeyQuestion(table)] }
      : {}),
    ...(rule.kind === 'exclusion' ? { exclusions: [{ table, elements: rule.elements }] } : {}),
    touches: touchesOf(table, rule),
  }
}

function touchesOf(table: QualifiedName, rule: Rule): readonly Touch[] {
  const own = usedBy(rule).map((column): Touch => ({ table, column, how: 'uses' }))
  const others =
    rule.kind === 'foreign_key'
      ? rule.otherColumns.map((column): Touch => ({ table: rule.other, column, how: 'uses' }))
      : []
  return [...(own.length === 0 ? [{ table, how: 'uses' } as const] : own), ...others]
}

function usedBy(rule: Rule): readonly string[] {
  if (rule.kind === 'unique' || rule.kind === 'primary_key') return [...rule.columns, ...rule.include]
  if (rule.kind !== 'exclusion') return columnsOf(rule)
  const read = readExclusion(rule.elements)
  return 'problem' in read ? [] : read.uses
}
