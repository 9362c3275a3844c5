import type { Engine } from './context.ts'
import type { Instances } from './ports.ts'

/** The registry, for whoever runs Bellows: what is done there by hand is done in his name. */
export interface Registry extends Omit<Instances, 'releaseByHand'> {
  /**
   * Says of an instance that it is gone, which it did not say itself. Was it registered?
   * @param reason kept in the audit; needed while the lease of the instance goes on
   * @throws BellowsError `config_invalid` where it is needed
   */
  releaseByHand(instance: string, reason?: string): Promise<boolean>
}

/** The registry is there as soon as somebody wants to enter it, not only after the first migration. */
export function installing({ instances, journal, actor }: Engine): Registry {
  const ready = async (): Promise<Instances> => {
    await journal.install()
    return instances
  }
  return {
    register: async (registration) => (await ready()).register(registration),
    renew: async (instance, uses, health) => (await ready()).renew(instance, uses, health),
    release: async (instance) => (await ready()).release(instance),
    releaseByHand: async (instance, reason = '') => {
      const why = reason.trim() === '' ? {} : { reason }
      return (await ready()).releaseByHand(instance, { actor, ...why })
    },
    list: async () => (await ready()).list(),
    needing: async (...asked) => (await ready()).needing(...asked),
  }
}
