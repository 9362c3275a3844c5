import { isSameName, type QualifiedName } from '../../schema/model.ts'
import type { Setting } from '../../statements/rule.ts'
import { createdBy, readStatements, relationsIn, type Statements } from '../../statements/statement.ts'
import { locksOf } from '../../statements/statement-locks.ts'

/** Statements of the user, for what no other operation does. */
export interface RunSql {
  readonly kind: 'sql'
  /** Where names without a namespace are. */
  readonly namespace: string
  readonly up: string
  /** Takes `up` back; needed in the expand unless `irreversible` says why there is none. */
  readonly down?: string
  readonly irreversible?: string
  /** `contract`: in the purge, from where there is no way back. */
  readonly phase: 'expand' | 'contract'
  /** A boolean expression on the catalog: is it done? Needed where the statements do not tell by their form. */
  readonly probe?: string
  readonly outside_transaction?: true
  /** Why a statement that the lint refuses hurts nobody here. Kept in the run. */
  readonly unsafe?: string
}

/** Of `up` and `down`; a text that cannot be read is left out. */
export function settingsOf(op: RunSql): readonly Setting[] {
  const parts = [
    [op.up, op.phase],
    [op.down, 'down'],
  ] as const
  return parts.flatMap(([text, part]) => {
    const statements = read(text)
    if (statements.length === 0) return []
    const outside = op.outside_transaction === true
    return [
      {
        statements,
        namespace: op.namespace,
        part,
        outside,
        ...(part === 'down' ? { takesBack: read(op.up) } : {}),
      },
    ]
  })
}

function read(text: string | undefined): Statements {
  const statements = text === undefined ? [] : readStatements(text)
  return 'problem' in statements ? [] : statements
}

export function upOf(op: RunSql): Setting['statements'] {
  return settingsOf(op).find(({ part }) => part !== 'down')?.statements ?? []
}

/** What `up` works on and does not make itself. */
export function relationsOf(op: RunSql): readonly QualifiedName[] {
  const made = madeBy(op)
  const named = [
    ...locksOf(upOf(op), op.namespace).map(({ relation }) => relation),
    ...relationsIn(upOf(op), op.namespace),
  ]
  return named.filter(
    (one, at) =>
      named.findIndex((other) => isSameName(one, other)) === at &&
      !made.some((other) => isSameName(one, other)),
  )
}

/** What `up` makes itself. */
export function madeBy(op: RunSql): readonly QualifiedName[] {
  return upOf(op).flatMap((one) => createdBy(one, op.namespace) ?? [])
}
