import type { Engine } from '../context.ts'

/** Does something again and again, until it is closed. */
export async function again(
  { clock }: Pick<Engine, 'clock'>,
  { pauseMs, closed }: { readonly pauseMs: number; readonly closed: AbortSignal },
  work: () => Promise<void> | void,
): Promise<void> {
  for (;;) {
    await clock.sleep(pauseMs, closed)
    if (closed.aborted) return
    await work()
  }
}
