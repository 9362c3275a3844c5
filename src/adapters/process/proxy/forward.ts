import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import { pipeline } from 'node:stream'
import { answerHeaders, hasBody, requestHeaders } from './headers.ts'
import { type Refusal, type Route, send } from './send.ts'

export const RETRY_AFTER_S = 1

/** Passes one request on, and its answer back, both as they come. */
export function forward(request: IncomingMessage, response: ServerResponse, route: Route): void {
  const withBody = hasBody(request)
  if (withBody) boundBody(request, route.limits.bodyIdleMs)
  const { method = 'GET', url: path = '/' } = request
  const message = { method, path, headers: requestHeaders(request), hasBody: withBody }
  const sending = send(message, route, {
    connected: (outgoing) => {
      if (!withBody) {
        outgoing.end()
        return
      }
      request.pipe(outgoing)
      // An instance that answers before it has read everything leaves the rest of the body in the way of the next request.
      outgoing.once('close', () => request.resume())
    },
    answered: (answer) => {
      try {
        passBack(answer, response)
      } catch {
        // The parser lets some in that the writer does not let out: characters in a status message, a status of 42.
        answer.destroy()
        refuse(response, { status: 502, because: `An instance of "${route.name}" answered what is no HTTP.` })
      }
    },
    failed: (refusal) => refuse(response, refusal),
  })
  response.once('close', () => {
    if (!response.writableFinished) sending.abort()
  })
}

function boundBody(request: IncomingMessage, bodyIdleMs: number): void {
  request.setTimeout(bodyIdleMs)
  request.once('end', () => request.setTimeout(0))
}

function passBack(answer: IncomingMessage, response: ServerResponse): void {
  response.writeHead(answer.statusCode ?? 502, answer.statusMessage, answerHeaders(answer))
  // The head goes with the first piece of the body, but does not wait for one: streams of events may be silent at first.
  const alone = setImmediate(() => response.flushHeaders())
  answer.once('data', () => clearImmediate(alone)).once('end', () => clearImmediate(alone))
  // What breaks off must not look whole: then the client's connection breaks off, too.
  pipeline(answer, response, () => undefined)
}

function refuse(response: ServerResponse, { status, because }: Refusal): void {
  response.writeHead(status, STATUS_CODES[status], {
    'content-type': 'text/plain; charset=utf-8',
    ...(status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {}),
  })
  response.end(`${because}\n`)
}
