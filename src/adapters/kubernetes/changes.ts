import { BellowsError } from '../../core/errors.ts'
import type { Clock } from '../../engine/ports.ts'
import type { Client } from './client.ts'
import { isGone } from './refusal.ts'

const PAUSE_FIRST_MS = 500
const PAUSE_MAX_MS = 30_000

/** Says when it is worth to look again. It is a help, not a proof: whoever waits looks after a while in any case. */
export interface Changes {
  changed(atMostMs: number): Promise<void>
  close(): void
}

/** Watches the pods of the namespace: whatever a workload does shows in them. Nothing is watched before the first wait. */
export function watchChanges(client: Client, clock: Clock): Changes {
  const stopped = new AbortController()
  let isChanged = false
  let wake: (() => void) | undefined
  let isWatching = false

  const mark = () => {
    isChanged = true
    wake?.()
  }
  const watch = async () => {
    for (let from: string | undefined, failures = 0; !stopped.signal.aborted; ) {
      try {
        if (from === undefined) {
          from = await client.position('Pod')
          // What happened before the first look, or while nobody remembered, is told by looking.
          mark()
        }
        for await (const { type, object } of client.watch('Pod', from, stopped.signal)) {
          from = object.metadata.resourceVersion ?? from
          failures = 0
          if (type !== 'BOOKMARK') mark()
        }
      } catch (error) {
        if (isGone(error)) from = undefined
        // Whoever may not watch waits for the time to pass.
        else if (error instanceof BellowsError && error.code === 'cluster_refused') return
        failures += 1
      }
      await clock.sleep(Math.min(PAUSE_FIRST_MS * 2 ** failures, PAUSE_MAX_MS), stopped.signal)
    }
  }
  return {
    changed: async (atMostMs) => {
      if (!isWatching) void watch()
      isWatching = true
      if (!isChanged) {
        const woken = new AbortController()
        wake = () => woken.abort()
        await clock.sleep(atMostMs, woken.signal)
        wake = undefined
      }
      isChanged = false
    },
    close: () => {
      stopped.abort()
      wake?.()
    },
  }
}
