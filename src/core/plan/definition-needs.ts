import type { Operation } from '../operations/migration.ts'
import { type Defining, objectOf } from '../operations/object/definition.ts'
import type { DefinitionNeed } from '../schema/definitions.ts'

/** What makes nothing that a definition could name, and changes nothing that it names; what is dropped is there until the purge. */
const APART: ReadonlySet<Operation['kind']> = new Set([
  'create_index',
  'create_object',
  'drop_column',
  'drop_constraint',
  'drop_index',
  'drop_object',
  'drop_table',
  'rename_constraint',
  'rename_index',
  'replace_index',
  'replace_object',
  'set_table',
])

/**
 * Definitions that the server is to make for a moment before anything runs. Where the migration changes what a definition may rely on,
 * it would be refused for what is not there yet: nobody asks then.
 */
export function definitionNeeds(operations: readonly Operation[]): readonly DefinitionNeed[] {
  if (!operations.every((op) => APART.has(op.kind) || (op.kind === 'sql' && op.phase === 'contract')))
    return []
  return operations.flatMap((op, at) =>
    isDefining(op) && isTried(op)
      ? [{ ...textOf(op), replaces: op.kind === 'replace_object', first: madeBefore(op, at, operations) }]
      : [],
  )
}

/** What is replaced is so behind everything that is made. A view that is replaced keeps its columns, a routine not all of its face. */
function madeBefore(op: Operation, at: number, operations: readonly Operation[]): DefinitionNeed['first'] {
  const isBefore = (other: Operation, of: number) =>
    other.kind === 'create_object'
      ? op.kind === 'replace_object' || of < at
      : op.kind === 'replace_object' && of < at && isDefining(other) && objectOf(other)?.kind !== 'view'
  return operations.flatMap((other, of) =>
    other !== op && isDefining(other) && isTried(other) && isBefore(other, of) ? [textOf(other)] : [],
  )
}

/** A trigger and a policy lock their table against those who work with it, also for a moment. */
function isTried(op: Defining): boolean {
  const kind = objectOf(op)?.kind
  return kind !== undefined && kind !== 'trigger' && kind !== 'policy'
}

function isDefining(op: Operation): op is Extract<Operation, Defining> {
  return op.kind === 'create_object' || op.kind === 'replace_object'
}

function textOf({ namespace, definition }: Defining): Defining {
  return { namespace, definition }
}
