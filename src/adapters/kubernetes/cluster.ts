import type { KubernetesDeploy } from '../../core/rollout/workload.ts'
import type { Clock, Cluster } from '../../engine/ports.ts'
import type { Access } from './access.ts'
import { applyRelease, restoreTemplate, savedTemplate } from './change.ts'
import { watchChanges } from './changes.ts'
import { openClient } from './client.ts'
import { lookAt } from './look.ts'
import { takeInventory } from './take-inventory.ts'

export type ClusterOptions = Pick<KubernetesDeploy, 'namespace' | 'workloads'>

/** Nothing is connected before the first call needs it. */
export function kubernetesCluster(access: Access, options: ClusterOptions, clock: Clock): Cluster {
  const client = openClient(access, options.namespace ?? access.namespace, clock)
  const changes = watchChanges(client, clock)
  return {
    inventory: () => takeInventory(client, options.workloads),
    look: (workload) => lookAt(client, workload),
    template: (workload) => savedTemplate(client, workload),
    apply: (workload, release, saved) => applyRelease(client, workload, release, saved),
    restore: (workload, release, saved) => restoreTemplate(client, workload, release, saved),
    changed: (atMostMs) => changes.changed(atMostMs),
    close: () => {
      changes.close()
      client.close()
    },
  }
}
