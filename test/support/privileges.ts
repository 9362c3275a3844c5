import type { Known } from '../../src/core/operations/grant/change.ts'
import type { Grant, Revoke } from '../../src/core/operations/grant/privileges.ts'
import { grant } from '../../src/core/operations/grant.ts'
import type { Context } from '../../src/core/operations/operation.ts'
import { revoke } from '../../src/core/operations/revoke.ts'
import type { StepDraft } from '../../src/core/plan/step.ts'
import { context, facts, schemaOf, table } from './model.ts'

export const give = (more: Partial<Grant> = {}): Grant => ({
  kind: 'grant',
  namespace: 'public',
  on: 'users',
  privileges: ['select'],
  to: ['app'],
  ...more,
})
export const take = (more: Partial<Revoke> = {}): Revoke => ({
  kind: 'revoke',
  namespace: 'public',
  on: 'users',
  privileges: ['select'],
  from: ['app'],
  ...more,
})

export type Given = Partial<Known['items'][number]>
/** What is given already: `select` to `app` by the owner, unless it is said otherwise. */
const item = (more: Given = {}): Known['items'][number] => ({
  column: null,
  grantee: 'app',
  privilege: 'select',
  grantable: false,
  grantor: null,
  ...more,
})
/** What the server says of the target, and of the roles. */
export function knowing(
  op: Grant | Revoke,
  items: readonly Given[] | undefined = [],
  more: { readonly owned?: boolean; readonly strangers?: readonly string[]; readonly there?: boolean } = {},
): Context {
  const [target = '', roles = ''] = (op.kind === 'grant' ? grant.needs(op) : revoke.needs(op)).questions ?? []
  const row = { owned: more.owned ?? true, items: items.map(item) }
  const answers = {
    [target]: more.there === false ? [] : [row],
    [roles]: (more.strangers ?? []).map((name) => ({ name })),
  }
  return context(schemaOf(table()), facts({ answers }))
}
/** Of the step that is behind the gate, if there is one. */
const changing = (steps: readonly StepDraft[]) => steps.find(({ kind }) => kind !== 'gate')
export const sqlOf = (steps: readonly StepDraft[]) => {
  const step = changing(steps)
  return step !== undefined && 'statements' in step ? step.statements : []
}
export const requiresOf = (steps: readonly StepDraft[]) => {
  const step = changing(steps)
  return step !== undefined && 'requires' in step ? (step.requires ?? []).map(({ code }) => code) : []
}
