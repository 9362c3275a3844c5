import type { Body } from '../../support/network.ts'

/** The keys of each reply in their order; those with a question mark may be left out. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  init_ok: [],
  migration_applied: ['version', 'name', 'schema', 'backward_compatible?', 'already_applied?'],
  data_migrated: ['version', 'rows_migrated', 'already_applied?'],
  migration_rolled_back: ['version', 'name'],
  rollback_complete: ['rolled_back_from', 'rolled_back_to', 'duration_seconds'],
  migration_status: ['migrations', 'schemas', 'progress?', 'interrupted?'],
  instance_registered: ['instance', 'uses', 'lease_ms', 'not_ready?'],
  heartbeat_ok: ['instance', 'lease_ms', 'not_ready?'],
  instance_deregistered: ['instance'],
  instances: ['instances'],
  error: [
    'code',
    'text',
    'rows_done?',
    'diverged_rows?',
    'unfilled_rows?',
    'blocking_instances?',
    'silent?',
    'dependents?',
  ],
}
const CODES: readonly unknown[] = [0, 10, 11, 12, 13, 14, 20, 21, 22, 30]

/** What is wrong with the form of a reply; `undefined` when nothing is. */
export function problemOf(body: Body): string | undefined {
  const keys = KEYS[body.type]
  if (keys === undefined) return `the type "${body.type}" is none of the protocol's`
  if (!Number.isSafeInteger(body.in_reply_to)) return 'in_reply_to is no id'
  const allowed = keys.map((key) => key.replace('?', ''))
  const given = Object.keys(body).slice(2)
  if (Object.keys(body).slice(0, 2).join() !== 'type,in_reply_to')
    return 'it does not begin with type and in_reply_to'
  if (given.join() !== allowed.filter((key) => given.includes(key)).join())
    return `its keys are ${given.join()}`
  const missing = keys.filter((key) => !key.endsWith('?') && !given.includes(key))
  if (missing.length > 0) return `it lacks ${missing.join()}`
  return valueProblem(body)
}

function valueProblem(body: Body): string | undefined {
  if (
    body.type === 'error' &&
    !(CODES.includes(body.code) && typeof body.text === 'string' && body.text !== '')
  )
    return 'its code or its text is none'
  if ('version' in body && !(Number.isSafeInteger(body.version) && Number(body.version) > 0))
    return 'its version is none'
  if ('already_applied' in body && body.already_applied !== true) return 'already_applied is not true'
  if (body.backward_compatible === false) return 'it broke old clients'
  return undefined
}
