import type { IncomingMessage } from 'node:http'
import type { Access } from './access.ts'
import { readAnswer } from './exchange.ts'
import type { Resource } from './objects.ts'
import { refusal } from './refusal.ts'
import type { Intent } from './resources.ts'

/** Bookmarks come every minute: a connection that is silent for longer is dead, whatever the network says. */
const SILENCE_MAX_MS = 180_000
const LINE_CHARS_MAX = 8 * 2 ** 20

export interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: Resource
}

/** How a watch that is under way says that it cannot go on. */
interface ErrorEvent {
  readonly type: 'ERROR'
  readonly object: { readonly code?: number }
}

/** The lines of a watch. Source: Kubernetes documentation, "Efficient detection of changes". */
export async function* eventsOf(
  message: IncomingMessage,
  intent: Intent,
  access: Access,
): AsyncIterable<WatchEvent> {
  const { statusCode = 0 } = message
  if (statusCode >= 300) throw refusal(intent, statusCode, (await readAnswer(message)).body, access.name)
  message.setTimeout(SILENCE_MAX_MS, () => message.destroy())
  for await (const line of linesOf(message)) {
    const event = JSON.parse(line) as WatchEvent | ErrorEvent
    if (event.type === 'ERROR')
      throw refusal(intent, event.object.code ?? 500, JSON.stringify(event.object), access.name)
    yield event
  }
}

/** A last line without an end was cut off, and is none. */
async function* linesOf(message: IncomingMessage): AsyncIterable<string> {
  message.setEncoding('utf8')
  let rest = ''
  for await (const chunk of message as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n')
    rest = lines.pop() ?? ''
    if (rest.length > LINE_CHARS_MAX) throw new Error(`a line is longer than ${LINE_CHARS_MAX} characters`)
    yield* lines.filter((line) => line !== '')
  }
}
