import type { Engine } from './context.ts'
import type { Instances } from './ports.ts'

/** The registry is there as soon as somebody wants to enter it, not only after the first migration. */
export function installing({ instances, journal }: Engine): Instances {
  const ready = async (): Promise<Instances> => {
    await journal.install()
    return instances
  }
  return {
    register: async (registration) => (await ready()).register(registration),
    renew: async (instance, uses, health) => (await ready()).renew(instance, uses, health),
    release: async (instance) => (await ready()).release(instance),
    list: async () => (await ready()).list(),
    needing: async (...asked) => (await ready()).needing(...asked),
  }
}
