import { setTimeout as wait } from 'node:timers/promises'
import type { Bellows, Deployer } from '../../index.ts'

/** What the gate of a migration said while instances of the old version were there. */
export interface GateLooks {
  readonly closed: number
  readonly open: number
}

const EVERY_MS = 250

/** Looks at the gate again and again, as `bellows gate` does, until it is told to end. */
export function lookAtGate(
  bellows: Bellows,
  deployer: Deployer,
  { migration, old }: { readonly migration: string; readonly old: string },
): () => Promise<GateLooks> {
  let isOver = false
  const looking = async (): Promise<GateLooks> => {
    const looks = { closed: 0, open: 0 }
    for (; !isOver; await wait(EVERY_MS)) {
      const run = await bellows.run(migration)
      if (run?.state !== 'rolling_out') continue
      const isOpen = (await bellows.gates(run)).every(({ open }) => open)
      // Asked after the gate: what is still there now was there when the gate was asked.
      const isOldThere = (await deployer.fleet()).some(
        ({ version, state }) => version === old && state !== 'gone',
      )
      if (isOldThere) looks[isOpen ? 'open' : 'closed'] += 1
    }
    return looks
  }
  const looks = looking()
  // Whoever asks for the looks hears what went wrong.
  looks.catch(() => undefined)
  return () => {
    isOver = true
    return looks
  }
}
