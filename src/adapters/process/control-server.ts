import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { BellowsError, messageOf } from '../../core/errors.ts'
import type { Deployer } from '../../engine/ports.ts'
import { CONTROL_PATH, perform, type Refused } from './control.ts'
import { callFormat } from './control-format.ts'

export interface ControlServer {
  /** Lets the calls under way end. */
  close(): Promise<void>
}

const CALL_BYTES_MAX = 64 * 2 ** 10

/** Does what is asked for over a socket in the file system. Who may reach that is up to the folder it is in. */
export async function serveDeployer(deployer: Deployer, socket: string): Promise<ControlServer> {
  const server = createServer((request, response) => {
    void answer(deployer, request, response)
  })
  server.listen(socket)
  await once(server, 'listening')
  // A call that cannot be accepted, as this process is out of files, is made again.
  server.on('error', () => undefined)
  return {
    close: async () => {
      server.close()
      await once(server, 'close')
    },
  }
}

async function answer(deployer: Deployer, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const reply = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    response.end(JSON.stringify(body))
  }
  try {
    if (request.url !== CONTROL_PATH) throw misunderstood(`the path ${request.url}`)
    const call = callFormat.safeParse(await bodyOf(request))
    if (!call.success) throw misunderstood(call.error.message)
    reply(200, { result: (await perform(deployer, call.data)) ?? null })
  } catch (error) {
    reply(error instanceof BellowsError ? 409 : 500, refused(error))
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk
    if (text.length > CALL_BYTES_MAX) throw misunderstood('a call that long')
  }
  try {
    return JSON.parse(text)
  } catch {
    throw misunderstood('what is no JSON')
  }
}

function misunderstood(what: string): BellowsError {
  return new BellowsError('request_unsupported', `The supervisor does not understand ${what}.`, {
    hint: 'It may be of another version of Bellows: start it again. Its children run on.',
  })
}

function refused(error: unknown): Refused {
  if (!(error instanceof BellowsError))
    return { error: { code: 'deployer_failed', message: `The supervisor failed: ${messageOf(error)}` } }
  const { code, message, hint } = error
  return { error: { code, message, hint } }
}
