import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { BellowsError, ERROR_CODES, type ErrorCode, messageOf } from '../../core/errors.ts'
import type { FleetInstance } from '../../core/rollout/fleet.ts'
import type { Deployer } from '../../engine/ports.ts'
import { codeOf } from '../os/error-parts.ts'
import { type Call, CONTROL_PATH, type Refused } from './control.ts'
import { socketPath } from './state-folder.ts'

/** Every call ends within so long: the supervisor waits for nothing that takes longer than a program takes to be started. */
const CALL_TIMEOUT_MS = 30_000

/** The deployer of the supervisor that has this state folder. Every call fails with `deployer_failed` while there is none. */
export function processDeployer(state: string): Deployer {
  const ask = <Result>(call: Call): Promise<Result> => asked<Result>(state, call)
  return {
    fleet: () => ask<readonly FleetInstance[]>({ call: 'fleet' }),
    start: (placement) => ask<void>({ call: 'start', placement }),
    serve: (id) => ask<void>({ call: 'serve', id }),
    drain: (id) => ask<void>({ call: 'drain', id }),
    stop: (id) => ask<void>({ call: 'stop', id }),
    forget: (id) => ask<void>({ call: 'forget', id }),
    log: (id, lines) => ask<readonly string[]>({ call: 'log', id, lines }),
  }
}

async function asked<Result>(state: string, call: Call): Promise<Result> {
  const answer = await transmitted(socketPath(state), call).catch((cause: unknown) => {
    throw unreachable(state, cause)
  })
  if ('error' in answer) {
    const { code, message, hint } = answer.error
    const known = ERROR_CODES.find((each) => each === code) satisfies ErrorCode | undefined
    throw new BellowsError(known ?? 'deployer_failed', message, hint === undefined ? {} : { hint })
  }
  return answer.result as Result
}

async function transmitted(socket: string, call: Call): Promise<{ readonly result: unknown } | Refused> {
  const outgoing = request({
    socketPath: socket,
    path: CONTROL_PATH,
    method: 'POST',
    agent: false,
    signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
  })
  outgoing.end(JSON.stringify(call))
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  const chunks = await answer.toArray()
  return JSON.parse(Buffer.concat(chunks).toString()) as { readonly result: unknown } | Refused
}

function unreachable(state: string, cause: unknown): BellowsError {
  const isAbsent = ['ENOENT', 'ECONNREFUSED'].includes(codeOf(cause) ?? '')
  return new BellowsError(
    'deployer_failed',
    isAbsent
      ? `No supervisor runs for the state folder "${state}".`
      : `The supervisor of the state folder "${state}" does not answer: ${messageOf(cause)}.`,
    { hint: 'Start it, on the machine of the processes and as the same user: bellows supervise', cause },
  )
}
