import { messageOf } from '../../core/errors.ts'
import type { Inventory } from '../../core/rollout/inventory.ts'
import type { Cluster } from '../../engine/ports.ts'

/** Opened by the first call that needs it: a command that needs no cluster works where there is none. */
export function lazyCluster(open: () => Promise<Cluster>): Cluster {
  let opened: Promise<Cluster> | undefined
  const cluster = (): Promise<Cluster> => {
    opened ??= open()
    return opened
  }
  return {
    inventory: async () => {
      try {
        return await (await cluster()).inventory()
      } catch (error) {
        return { ...NOTHING, unread: [messageOf(error)] }
      }
    },
    look: async (workload) => (await cluster()).look(workload),
    template: async (workload) => (await cluster()).template(workload),
    apply: async (...given) => (await cluster()).apply(...given),
    restore: async (...given) => (await cluster()).restore(...given),
    changed: async (atMostMs) => (await cluster()).changed(atMostMs),
    close: () => {
      opened?.then(
        ({ close }) => close(),
        () => undefined,
      )
    },
  }
}

const NOTHING: Omit<Inventory, 'unread'> = { templates: [], pods: [], revisions: [], jobs: [], sharing: [] }
