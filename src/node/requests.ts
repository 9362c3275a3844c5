import { BellowsError } from '../index.ts'
import { isPartlyDone, WIRE, wireCode } from './codes.ts'
import { contract } from './contract.ts'
import { expand } from './expand.ts'
import { type Body, optionalNumber, text, unsupported } from './fields.ts'
import type { Answer, Handler, Node } from './handler.ts'
import { deregisterInstance, heartbeat, listInstances, registerInstance } from './instances.ts'
import { migrateData } from './migrate-data.ts'
import { rollback } from './rollback.ts'
import { status } from './status.ts'

const PHASES: Readonly<Record<string, Handler>> = { expand, migrate_data: migrateData, contract }

const migrate: Handler = (node, body) => {
  const phase = text(body, 'phase')
  return chosen(PHASES, 'phase', phase)(node, body)
}

const REQUESTS: Readonly<Record<string, Handler>> = {
  migrate,
  register_instance: registerInstance,
  heartbeat,
  deregister_instance: deregisterInstance,
  instances: listInstances,
  status,
  rollback,
}

function chosen(handlers: Readonly<Record<string, Handler>>, field: string, name: string): Handler {
  const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
  if (handler === undefined) throw unsupported(field, name, Object.keys(handlers))
  return handler
}

/** Timers of Node.js take no more; a greater one would end at once. */
const TIMEOUT_MOST_MS = 2 ** 31 - 1

/** The answer to a request, or the error that takes its place. Never throws: every request is answered. */
export async function answered(node: Node, type: string, body: Body): Promise<Answer> {
  try {
    const handle = chosen(REQUESTS, 'type', type)
    // Read before anything is begun: a request that is malformed must not be at work when its refusal is sent.
    const timeoutMs = optionalNumber(body, 'timeout_ms', 1, TIMEOUT_MOST_MS)
    return await withinTime(node, handle(node, body), timeoutMs)
  } catch (error) {
    return errorAnswer(error)
  }
}

/** The requester does not wait any longer; the work goes on, and the same request asks for its end later. */
function withinTime(node: Node, handling: Promise<Answer>, timeoutMs: number | undefined): Promise<Answer> {
  if (timeoutMs === undefined) return handling
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => {
      node.goesOn(handling)
      resolve(refusal(WIRE.timeout, `not done within ${timeoutMs} ms; it goes on, ask again later`))
    }, timeoutMs)
    handling.then(resolve, reject).finally(() => clearTimeout(late))
  })
}

export function refusal(code: number, because: string, more: Readonly<Record<string, unknown>> = {}): Answer {
  return { type: 'error', code, text: because, ...more }
}

/** Figures and names of an error that have a field of their own in the reply. */
const FACTS = [
  'rows_done',
  'diverged_rows',
  'unfilled_rows',
  'blocking_instances',
  'silent',
  'dependents',
] as const

export function errorAnswer(error: unknown): Answer {
  if (!(error instanceof BellowsError)) {
    return refusal(WIRE.crash, error instanceof Error ? error.message : String(error))
  }
  const facts = Object.fromEntries(
    FACTS.flatMap((name) => (error.facts[name] === undefined ? [] : [[name, error.facts[name]]])),
  )
  const because = error.hint === undefined ? error.message : `${error.message} ${error.hint}`
  return refusal(isPartlyDone(error) ? WIRE.crash : wireCode(error.code, error.step), because, facts)
}
