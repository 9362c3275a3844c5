import type { Tree } from '../parse.ts'
import { isSameName, type QualifiedName } from '../schema/model.ts'
import { FORBIDDEN } from './forbidden.ts'
import type { Rule, Setting } from './rule.ts'
import { createdBy, relationsIn } from './statement.ts'
import { UNSAFE } from './unsafe.ts'

export interface Finding {
  readonly rule: Rule
  /** Of the statement, from 1. */
  readonly at: number
}

/** What no reason allows: the run itself would break. */
export function forbidden(setting: Setting): readonly Finding[] {
  return found(setting, FORBIDDEN)
}

/**
 * What hurts clients unless its author knows why it does not. On what the same text has made, no lock and no scan does; code
 * that nobody can look into may work on anything.
 */
export function unsafe(setting: Setting): readonly Finding[] {
  return found(setting, UNSAFE).filter(({ at, rule }) => rule.code === 'opaque' || !isOnMade(setting, at))
}

function found(setting: Setting, rules: readonly Rule[]): readonly Finding[] {
  return setting.statements.flatMap((statement, at) =>
    rules.filter((rule) => rule.finds(statement, setting)).map((rule) => ({ rule, at: at + 1 })),
  )
}

function isOnMade({ statements, namespace }: Setting, at: number): boolean {
  const made = madeBy(statements.slice(0, at - 1), namespace)
  const named = relationsIn(statements[at - 1], namespace)
  return named.length > 0 && named.every((one) => made.some((other) => isSameName(one, other)))
}

function madeBy(statements: readonly Tree.Node[], namespace: string): readonly QualifiedName[] {
  return statements.flatMap((one) => createdBy(one, namespace) ?? [])
}
