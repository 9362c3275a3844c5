/**
 * The parts of Kubernetes' objects that we read. Everything that the server may leave out is optional.
 * Source: Kubernetes API reference, v1.20 to v1.36.
 */
export interface Resource {
  readonly metadata: Meta
}

export interface Meta {
  readonly name: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Labels
  readonly annotations?: Readonly<Record<string, string>>
  readonly ownerReferences?: readonly Owner[]
}

export type Labels = Readonly<Record<string, string>>

export interface Owner {
  readonly kind: string
  readonly name: string
  readonly uid: string
  readonly controller?: boolean
}

export interface Selector {
  readonly matchLabels?: Labels
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist'
    readonly values?: readonly string[]
  }[]
}

export interface PodTemplate {
  readonly metadata?: { readonly labels?: Labels }
  readonly spec?: PodSpec
}

export interface PodSpec {
  readonly nodeName?: string
  readonly containers: readonly Container[]
  readonly initContainers?: readonly Container[]
  readonly volumes?: readonly { readonly secret?: { readonly secretName?: string } }[]
}

export interface Container {
  readonly name: string
  readonly image?: string
  readonly env?: readonly {
    readonly name: string
    readonly valueFrom?: { readonly secretKeyRef?: { readonly name?: string } }
  }[]
  readonly envFrom?: readonly { readonly secretRef?: { readonly name?: string } }[]
  readonly startupProbe?: {
    readonly initialDelaySeconds?: number
    readonly failureThreshold?: number
    readonly periodSeconds?: number
  }
}

export interface Pod extends Resource {
  readonly spec: PodSpec
  readonly status?: {
    readonly phase?: string
    readonly conditions?: readonly Condition[]
    readonly containerStatuses?: readonly ContainerStatus[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
  }
}

export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string | null
  readonly lastUpdateTime?: string | null
}

export interface ContainerStatus {
  readonly name: string
  readonly restartCount?: number
  readonly state?: { readonly waiting?: { readonly reason?: string; readonly message?: string } }
  readonly lastState?: { readonly terminated?: { readonly reason?: string; readonly exitCode?: number } }
}

export interface Deployment extends Resource {
  readonly spec: {
    readonly replicas?: number
    readonly paused?: boolean
    readonly progressDeadlineSeconds?: number
    readonly selector: Selector
    readonly template: PodTemplate
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly availableReplicas?: number
    /** Since Kubernetes 1.33 behind a switch, since 1.35 always. */
    readonly terminatingReplicas?: number | null
    readonly conditions?: readonly Condition[]
  }
}

export interface StatefulSet extends Resource {
  readonly spec: {
    readonly replicas?: number
    readonly minReadySeconds?: number
    readonly selector: Selector
    readonly template: PodTemplate
    readonly updateStrategy?: {
      readonly type?: string
      readonly rollingUpdate?: { readonly partition?: number }
    }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly updatedReplicas?: number
    readonly readyReplicas?: number
    readonly currentRevision?: string
    readonly updateRevision?: string
  }
}

export interface DaemonSet extends Resource {
  readonly spec: {
    readonly minReadySeconds?: number
    readonly selector: Selector
    readonly template: PodTemplate
    readonly updateStrategy?: { readonly type?: string }
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly desiredNumberScheduled?: number
    readonly updatedNumberScheduled?: number
    readonly numberAvailable?: number
    readonly numberUnavailable?: number
  }
}

export interface ReplicaSet extends Resource {
  readonly spec: { readonly replicas?: number; readonly template?: PodTemplate }
  readonly status?: { readonly replicas?: number; readonly terminatingReplicas?: number | null }
}

export interface Job extends Resource {
  readonly spec: { readonly template: PodTemplate; readonly suspend?: boolean }
  readonly status?: { readonly active?: number; readonly conditions?: readonly Condition[] }
}

export interface CronJob extends Resource {
  readonly spec: {
    readonly suspend?: boolean
    readonly jobTemplate: { readonly spec: { readonly template: PodTemplate } }
  }
}

export interface Objects {
  readonly Deployment: Deployment
  readonly StatefulSet: StatefulSet
  readonly DaemonSet: DaemonSet
  readonly ReplicaSet: ReplicaSet
  readonly Job: Job
  readonly CronJob: CronJob
  readonly Pod: Pod
}
