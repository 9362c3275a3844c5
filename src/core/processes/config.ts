import type { RolloutRules } from '../rollout/rules.ts'

/** The processes of one application on one machine, as the section `deploy.processes` of the config file says. */
export interface ProcessesConfig {
  /** Absolute path of the folder where the supervisor keeps what it knows of its children, their logs, and its socket. */
  readonly state: string
  readonly roles: Readonly<Record<string, ProcessRole>>
  readonly rules: InstanceRules
}

/** What the rules of a rollout say of each instance: who gets requests is judged as who has failed is. */
export type InstanceRules = Pick<RolloutRules, 'health' | 'stopTimeoutMs'>

/**
 * What instances of a role are. `{version}`, `{port}`, `{slot}` and `{instance}` are filled in in the command, the folder,
 * the values of the environment, and the command of the health check.
 */
export interface ProcessRole {
  /** The program and its arguments, as they are: no shell reads them. */
  readonly command: readonly string[]
  /** Where clients reach the role. A role without it has no port and takes its work by itself. */
  readonly listen?: { readonly host: string; readonly port: number }
  /** How many a deployment keeps running. */
  readonly instances: number
  /** Absolute path of the folder in which the program runs. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly health: HealthCheck
  /** From SIGTERM to SIGKILL, in place of the one of the rules: a worker may need longer for what it has begun. */
  readonly stopTimeoutMs?: number
}

/** `alive`: nothing is asked; it passes as long as the process runs. */
export type HealthCheck =
  | { readonly kind: 'http'; readonly path: string; readonly intervalMs: number; readonly timeoutMs: number }
  | {
      readonly kind: 'command'
      readonly command: readonly string[]
      readonly intervalMs: number
      readonly timeoutMs: number
    }
  | { readonly kind: 'alive'; readonly intervalMs: number }
