import { accepted, failed, type Standing, unanswered } from './readiness.ts'
import { isRefusal, type Registry } from './registry.ts'

/** A third of the lease, so that two renewals in a row may fail. */
const RENEWALS_PER_LEASE = 3
/** From then on the owner is told. */
const STALE_AFTER_LEASES = 2 / 3
/** Of calls that hang. The pool may have lost some of its sessions without knowing, so that the next call gets through. */
const CALLS_AT_ONCE_MAX = 10
/** How long `release` waits for calls that are on their way, and then for its own. */
const RELEASE_WAIT_MS = 5_000

export interface Lease {
  standing(): Standing
  /** Waits for the first answer, until it is time to ask again. */
  begun(): Promise<void>
  release(): Promise<void>
}

interface Owner {
  readonly leaseMs: number
  readonly onRetired?: ((because: string) => void) | undefined
  readonly onStale?: ((because: string) => void) | undefined
}

/** Asks the registry over and over: to be let in while waiting, to stay when registered. */
export function holdLease(
  registry: Registry,
  start: Standing,
  { leaseMs, onRetired, onStale }: Owner,
): Lease {
  const everyMs = leaseMs / RENEWALS_PER_LEASE
  const onTheirWay = new Set<Promise<void>>()
  let standing = start
  let stale: NodeJS.Timeout | undefined

  const turnTo = (next: Standing) => {
    const before = standing
    standing = next
    if (next.kind !== 'registered') clearTimeout(stale)
    else if (before.kind !== 'registered' || next.renewedAtMs !== before.renewedAtMs) watch(next.renewedAtMs)
    if (next.kind === 'retired' && before.kind !== 'retired') {
      clearInterval(timer)
      onRetired?.(next.because)
    }
  }
  const watch = (renewedAtMs: number) => {
    clearTimeout(stale)
    const leftMs = renewedAtMs + leaseMs * STALE_AFTER_LEASES - performance.now()
    stale = setTimeout(() => onStale?.(unanswered(standing)), leftMs).unref()
  }
  const isStillHere = () => standing.kind === 'registered'
  const ask = async () => {
    const askedAs = standing.kind
    const sentAtMs = performance.now()
    try {
      const notReady = await (askedAs === 'registered' ? registry.renew(isStillHere) : registry.register())
      turnTo(accepted(standing, sentAtMs, notReady))
    } catch (error) {
      const because = error instanceof Error ? error.message : String(error)
      turnTo(failed(standing, { because, isRefusal: isRefusal(error), askedAs }))
    }
  }
  const send = () => {
    if (onTheirWay.size >= CALLS_AT_ONCE_MAX) return
    const call = ask().finally(() => onTheirWay.delete(call))
    onTheirWay.add(call)
  }
  // Also while another is on its way: one that hangs must not let the lease run out.
  // A process that has nothing else to do may end.
  const timer = setInterval(send, everyMs).unref()
  if (standing.kind === 'registered') watch(standing.renewedAtMs)
  else send()

  return {
    standing: () => standing,
    begun: async () => void (await settledWithin(everyMs, [...onTheirWay])),
    release: () => {
      clearInterval(timer)
      turnTo({ kind: 'released' })
      return releaseBehind([...onTheirWay], registry)
    },
  }
}

/** A call that registers must not come in behind the release, unless it hangs: then that instance is silent, and blocks. */
async function releaseBehind(onTheirWay: readonly Promise<void>[], registry: Registry): Promise<void> {
  await settledWithin(RELEASE_WAIT_MS, onTheirWay)
  const released = registry.release()
  if (await settledWithin(RELEASE_WAIT_MS, [released])) return released
  throw new Error(
    `The database did not answer within ${RELEASE_WAIT_MS / 1_000} s: the instance "${registry.instance}" may still be ` +
      `registered. When it is surely gone: bellows instances release ${registry.instance}`,
  )
}

/** Whether all have come to an end within a time. */
async function settledWithin(boundMs: number, calls: readonly Promise<void>[]): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, boundMs, false)
  })
  const settled = Promise.allSettled(calls).then(() => true)
  return Promise.race([settled, late]).finally(() => clearTimeout(timer))
}
