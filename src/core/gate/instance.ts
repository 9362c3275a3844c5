export interface Instance {
  readonly instance: string
  readonly application: string | null
  /** Of the application. */
  readonly version: string | null
  /** `web`, `worker`, `cron`, or what the application calls it. */
  readonly kind: string | null
  /** Machine or pod. */
  readonly host: string | null
  readonly uses: readonly string[]
  readonly state: 'live' | 'silent' | 'released'
  readonly lastSeenMsAgo: number
}

export interface Registration {
  readonly instance: string
  readonly uses: readonly string[]
  readonly leaseMs?: number
  readonly application?: string
  readonly applicationName?: string
  readonly version?: string
  readonly kind?: string
  readonly host?: string
}

export interface Registered {
  readonly instance: string
  readonly leaseMs: number
  readonly notReady: readonly string[]
}
