import type { PodFacts } from './workload.ts'

export interface TroubleRules {
  /** A pod that cannot start, or crashes, is given up after not being ready for so long. */
  readonly troubleMaxMs: number
  /** A pod that no node takes is given up after this: an autoscaler of nodes needs minutes. */
  readonly unschedulableMaxMs: number
  /** One that is not ready is given up with so many restarts, however quickly they came. */
  readonly restartsMax: number
}

/** What a container waits for that does not come by itself. Source: Kubernetes' kubelet, `images/types.go` and `kuberuntime`. */
const HOPELESS: readonly string[] = [
  'CrashLoopBackOff',
  'CreateContainerConfigError',
  'CreateContainerError',
  'ErrImageNeverPull',
  'ErrImagePull',
  'ImageInspectError',
  'ImagePullBackOff',
  'InvalidImageName',
  'RunContainerError',
]
/** No waiting makes a name of an image a valid one. */
const AT_ONCE: readonly string[] = ['InvalidImageName']
const MESSAGE_CHARS_MAX = 200

/** Why a pod will not become ready, long before its workload's own deadline; undefined while it may. */
export function podTrouble(pod: PodFacts, rules: TroubleRules): string | undefined {
  if (pod.ready || pod.state === 'ending' || pod.state === 'ended') return undefined
  const { waiting, unschedulable, restarts, lastEnd, notReadyMs } = pod
  const last = lastEnd === undefined ? '' : `; it ended last with ${lastEnd}`
  if (waiting !== undefined && HOPELESS.includes(waiting.reason)) {
    const isOver = notReadyMs > rules.troubleMaxMs || restarts >= rules.restartsMax
    if (!isOver && !AT_ONCE.includes(waiting.reason)) return undefined
    return `the container "${waiting.container}" of the pod "${pod.name}" is in ${waiting.reason}${said(waiting.message)}${last}`
  }
  if (restarts >= rules.restartsMax)
    return `the pod "${pod.name}" is not ready after ${restarts} restarts${last}`
  if (unschedulable !== undefined && notReadyMs > rules.unschedulableMaxMs)
    return `no node takes the pod "${pod.name}"${said(unschedulable)}`
  return undefined
}

function said(message: string): string {
  return message === '' ? '' : `: ${message.slice(0, MESSAGE_CHARS_MAX)}`
}
