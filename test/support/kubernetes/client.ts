import type { Access } from '../../../src/adapters/kubernetes/access.ts'
import { type Client, openClient } from '../../../src/adapters/kubernetes/client.ts'
import { kubernetesCluster } from '../../../src/adapters/kubernetes/cluster.ts'
import { BellowsError } from '../../../src/core/errors.ts'
import type { Workload } from '../../../src/core/rollout/workload.ts'
import type { Clock, Cluster } from '../../../src/engine/ports.ts'
import { cleanUp } from '../database.ts'

/** Waits for nothing, and remembers what it was asked to wait for. */
export function impatientClock(): Clock & { readonly pauses: readonly number[] } {
  const pauses: number[] = []
  return {
    pauses,
    sleep: async (ms) => {
      pauses.push(ms)
      await new Promise((resolve) => setImmediate(resolve))
    },
    passed: () => 0,
    random: () => 0.5,
  }
}

export function accessTo(url: string, more: Partial<Access> = {}): Access {
  return {
    name: 'the context "test"',
    server: new URL(url),
    namespace: 'shop',
    tls: { rejectUnauthorized: true },
    credentials: async () => ({}),
    renew: () => false,
    ...more,
  }
}

export function clientOf(access: Access, clock: Clock = impatientClock()): Client {
  const client = openClient(access, 'shop', clock)
  cleanUp(async () => client.close())
  return client
}

/** What a call fails with. */
export async function failureOf(work: Promise<unknown> | (() => Promise<unknown>)): Promise<BellowsError> {
  try {
    await (typeof work === 'function' ? work() : work)
  } catch (error) {
    if (error instanceof BellowsError) return error
    throw error
  }
  throw new Error('it did not fail')
}

/** The adapter on a stub. */
export function clusterOf(
  stub: { readonly url: string },
  workloads: readonly Workload[],
  clock: Clock = impatientClock(),
): Cluster {
  const cluster = kubernetesCluster(accessTo(stub.url), { workloads }, clock)
  cleanUp(async () => cluster.close())
  return cluster
}
