import type { Socket } from 'node:net'

/** How long a statement may take, where nothing else is said of it. */
export const STATEMENT_MS = 30_000
/**
 * Beyond what the server may take. Where the way is cut without a word no answer ever comes, and TCP itself gives up after a quarter of an
 * hour; a disk that is busy may hold up a COMMIT for seconds.
 */
export const SLACK_MS = 10_000

/** How long the answer to a message of so many statements may take. */
export function answerMsOf(statements: number, statementMs = STATEMENT_MS): number {
  return statements * statementMs + SLACK_MS
}

/** A timer takes no more; that is weeks. */
const TIMER_MAX_MS = 2 ** 31 - 1
/** A process that was stopped meanwhile finds what came before it looks at the time. */
const ARRIVED_MS = 100

/** Ends a connection that says nothing for so long, and with it whatever waits for it. A long answer may be on its way for longer. */
export async function within<R>(ms: number, socket: Socket, work: () => Promise<R>): Promise<R> {
  let bytes = socket.bytesRead
  const after = (pauseMs: number): NodeJS.Timeout =>
    setTimeout(
      () => {
        timer = setTimeout(look, ARRIVED_MS)
      },
      Math.min(pauseMs, TIMER_MAX_MS),
    )
  const look = () => {
    if (socket.bytesRead === bytes) socket.destroy(new Error(`it said nothing for ${ms / 1_000} s`))
    else timer = after(SLACK_MS)
    bytes = socket.bytesRead
  }
  let timer = after(ms)
  try {
    return await work()
  } finally {
    clearTimeout(timer)
  }
}
