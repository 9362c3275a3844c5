import { assert, BellowsError } from '../../errors.ts'
import { identifierProblem } from '../../identifier.ts'
import { problemOf, stopped } from '../../plan/problem-of.ts'
import { notOwned, refused } from '../../plan/table-checks.ts'
import { expressionKey, type Facts } from '../../schema/facts.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { qualified, type Sql, shown } from '../../sql.ts'
import type { OperationNeeds } from '../needs.ts'
import { readCondition } from '../rules/read.ts'
import { domainQuestion } from './catalog.ts'

/** Changes what a domain asks of its values, wherever it is used. What is not named stays as it is. */
export interface AlterDomain {
  readonly kind: 'alter_domain'
  readonly namespace: string
  readonly domain: string
  /** An SQL expression; null takes the default away. */
  readonly default?: string | null
  /** A new check: a condition on VALUE. */
  readonly check?: { readonly name: string; readonly constraint: string }
  /** The name of a check that goes. */
  readonly drop_check?: string
}

export interface Known {
  readonly owned: boolean
  readonly default: string | null
  readonly checks: readonly { readonly name: string; readonly definition: string }[]
  readonly columns: readonly { readonly namespace: string; readonly table: string; readonly column: string }[]
}

export function theDomain({ namespace, domain }: AlterDomain): QualifiedName {
  return { namespace, name: domain }
}

export function shownDomain({ namespace, domain }: AlterDomain): string {
  return `${shown(namespace)}.${shown(domain)}`
}

export function domainNeeds(op: AlterDomain): OperationNeeds {
  const type = qualified(theDomain(op))
  return {
    tables: [],
    questions: [domainQuestion(theDomain(op))],
    expressions: [
      ...(typeof op.default === 'string' ? [{ expression: op.default, type, ofDomain: true as const }] : []),
      ...(op.check === undefined ? [] : [conditionNeed(op, op.check.constraint)]),
    ],
    touches: [{ object: `domain ${shownDomain(op)}`, how: 'replaces' }],
  }
}

/** A check is about one value, which it calls VALUE. */
function conditionNeed(op: AlterDomain, expression: string) {
  return { expression, type: 'boolean', row: [{ name: 'value', type: qualified(theDomain(op)) }] } as const
}

export function knownDomain(op: AlterDomain, facts: Facts): Known | undefined {
  const answer = facts.answers[domainQuestion(theDomain(op))]
  assert(answer !== undefined, 'what an operation asks is answered')
  return 'problem' in answer ? undefined : (answer[0] as unknown as Known | undefined)
}

export function domainProblems(op: AlterDomain, facts: Facts): readonly BellowsError[] {
  const { default: value, check, drop_check: dropped } = op
  if (value === undefined && check === undefined && dropped === undefined)
    return [
      new BellowsError('migration_invalid', `Nothing is said of the domain "${op.domain}".`, {
        hint: 'Give default, check or drop_check.',
      }),
    ]
  const known = knownDomain(op, facts)
  if (known === undefined)
    return [refused(`There is no domain ${shownDomain(op)}.`, 'Check the spelling and the namespace.')]
  if (!known.owned) return [notOwned(`the domain ${shownDomain(op)}`, `domain ${shownDomain(op)}`)]
  return [
    ...defaultProblems(op, known, facts),
    ...checkProblems(op, known, facts),
    ...dropProblems(op, known),
  ]
}

function defaultProblems(op: AlterDomain, known: Known, facts: Facts): readonly BellowsError[] {
  const { default: to } = op
  if (to === undefined) return []
  if (to === null)
    return known.default === null
      ? [refused(`The domain "${op.domain}" has no default.`, 'Leave the field out.')]
      : []
  if (/^\s*null\b/i.test(to))
    return [
      new BellowsError('migration_invalid', `The default of "${op.domain}" is NULL, which is none.`, {
        hint: 'Write "default: null" without quotes to take the default away.',
      }),
    ]
  const problem = problemOf(readCondition(to), facts.expressions[expressionKey(to, qualified(theDomain(op)))])
  if (problem !== undefined) return [unusable(`default ${to}`, op, problem)]
  return (printedDefault(op, facts) ?? to.trim()) === known.default
    ? [refused(`The domain "${op.domain}" has that default already.`, 'Leave the field out.')]
    : []
}

/** The new default as the server prints it, which is one for all ways to write it, where it was asked; null where it is taken away. */
export function printedDefault(op: AlterDomain, facts: Facts): string | null | undefined {
  if (typeof op.default !== 'string') return null
  const known = facts.expressions[expressionKey(op.default, qualified(theDomain(op)))]
  return known === undefined || 'problem' in known ? undefined : known.printed
}

function checkProblems(op: AlterDomain, { checks }: Known, facts: Facts): readonly BellowsError[] {
  if (op.check === undefined) return []
  const { name, constraint } = op.check
  const nameProblem = identifierProblem(name)
  if (nameProblem !== undefined)
    return [new BellowsError('name_invalid', `The name "${name}" ${nameProblem}.`)]
  if (checks.some((one) => one.name === name))
    return [
      refused(
        `The domain "${op.domain}" has a check "${name}" already.`,
        'Give the new one another name; drop_check takes the old one away.',
      ),
    ]
  const need = conditionNeed(op, constraint)
  const known = facts.expressions[expressionKey(constraint, need.type, need.row)]
  const problem = problemOf(readCondition(constraint), known)
  return problem === undefined ? [] : [unusable(`check ${constraint}`, op, problem)]
}

function dropProblems(op: AlterDomain, { checks }: Known): readonly BellowsError[] {
  const { drop_check: dropped } = op
  if (dropped === undefined || checks.some(({ name }) => name === dropped)) return []
  const names = checks.map(({ name }) => `"${name}"`).join(', ')
  return [
    refused(
      `The domain "${op.domain}" has no check "${dropped}".`,
      names === '' ? 'It has none.' : `It has ${names}.`,
    ),
  ]
}

function unusable(what: string, op: AlterDomain, problem: string): BellowsError {
  return new BellowsError(
    'migration_invalid',
    `The ${what} of the domain "${op.domain}" cannot be used: ${stopped(problem)}`,
  )
}

/** A condition that was checked. */
export function conditionSql({ constraint }: NonNullable<AlterDomain['check']>): Sql {
  const read = readCondition(constraint)
  assert(typeof read === 'string', 'steps come after check')
  return read
}
