import { readQuery } from '../parse.ts'

/** A number of instances, or a share of those of a role, such as `25%`. */
export type Share = number | `${number}%`

/** Parameters of a rollout. The defaults live in `config.ts`, with the reason for each figure. */
export interface RolloutRules {
  /** Instances of a role that are replaced at a time. A share is rounded up. */
  readonly batch: Share
  /** Which of the two in a slot goes first: `stop-first` where a port or a licence allows only one. */
  readonly order: 'start-first' | 'stop-first'
  /** Percent of the instances of a role that always serve, as far as the rollout can help it. What may be missing is rounded down. */
  readonly minAvailablePercent: number
  readonly canary: {
    /** Size of the first batch; 0 for none. */
    readonly instances: number
    /** How long it is watched before the next batch; `manual`: until somebody resumes. */
    readonly pauseMs: number | 'manual'
  }
  /** A new instance that is not healthy after so long has failed. */
  readonly startupDeadlineMs: number
  /** Results of health checks in a row after which an instance counts as healthy, or as failed. */
  readonly health: { readonly success: number; readonly failure: number }
  /** How long a new instance must stay healthy before it gets work. */
  readonly minHealthyMs: number
  readonly pauseBetweenMs: number
  /** When nothing moves for so long the failure action is taken. An instance that was told to end has its stop timeout beside that. */
  readonly progressDeadlineMs: number
  /** Further attempts on the same slot before the release is blamed. */
  readonly retries: number
  /** Slots that may fail for good before the failure action is taken. */
  readonly maxFailures: number
  /** `continue`: goes on with the other slots, and pauses at the end because of those that failed. */
  readonly onFailure: 'rollback' | 'pause' | 'continue'
  /** How long an old instance may finish its requests before it is told to end. */
  readonly drainTimeoutMs: number
  /** How long it then has before it is ended, where its role does not say otherwise. */
  readonly stopTimeoutMs: number
  /** How long the new fleet is watched at the end. */
  readonly bakeMs: number
  /** Asked behind each batch, when its pause is over. */
  readonly checks: readonly Check[]
  readonly checkTimeoutMs: number
  /** Pause before a check is asked again that could not tell. */
  readonly checkRetryMs: number
  /** Answers in a row that could not tell, before the rollout pauses for a human. */
  readonly checkUnknownsMax: number
  /** Of so many finished deployments the instances that have ended are remembered, with their logs. */
  readonly history: number
  /** How often fleet and requests are looked at. */
  readonly pollMs: number
  /** Last lines of a failed instance that are kept. */
  readonly logLines: number
}

/** What a user wants to hold between two batches. */
export type Check = { readonly name: string } & (
  | {
      /** A query of one truth value, run read-only. */
      readonly sql: string
    }
  | { readonly http: string }
  | { readonly command: Command }
)

/** A program with its arguments, or a line for the shell. */
export type Command = string | readonly string[]

/** What is asked behind a batch, or behind a workload, and for how long. */
export type CheckRules = Pick<RolloutRules, 'checks' | 'checkTimeoutMs' | 'checkRetryMs' | 'checkUnknownsMax'>

/** `unknown`: it could not be measured, which says nothing about the release. */
export interface CheckResult {
  readonly outcome: 'pass' | 'fail' | 'unknown'
  readonly because: string
}

/** How many of so many; at least one, so that a rollout comes to its end. */
export function countOf(share: Share, of: number): number {
  const count = typeof share === 'number' ? share : Math.ceil((of * Number.parseFloat(share)) / 100)
  return Math.max(1, count)
}

/** How many of so many instances must serve. */
export function neededOf({ minAvailablePercent }: RolloutRules, of: number): number {
  return of - Math.floor((of * (100 - minAvailablePercent)) / 100)
}

/** Why a rollout by these rules could not end; empty when it can. */
export function rulesProblems(
  rules: RolloutRules,
  roles: readonly { readonly role: string; readonly instances: number }[],
): readonly string[] {
  return [
    ...atLeast(
      'progressDeadlineMs',
      rules.progressDeadlineMs,
      'startupDeadlineMs and minHealthyMs together',
      rules.startupDeadlineMs + rules.minHealthyMs,
    ),
    ...atLeast('progressDeadlineMs', rules.progressDeadlineMs, 'drainTimeoutMs', rules.drainTimeoutMs),
    ...rules.checks.flatMap((check) => {
      const query = 'sql' in check ? readQuery(check.sql) : undefined
      return typeof query === 'object'
        ? [`the query of the check "${check.name}" cannot be read: ${query.problem}`]
        : []
    }),
    ...roles
      .filter(({ instances }) => rules.order === 'stop-first' && neededOf(rules, instances) === instances)
      .filter(({ instances }) => instances > 0)
      .map(
        ({ role, instances }) =>
          `with the order "stop-first", one of the ${instances} "${role}" must be allowed to be missing: ${rules.minAvailablePercent} % available is too much`,
      ),
  ]
}

function atLeast(name: string, value: number, others: string, least: number): readonly string[] {
  return value > least
    ? []
    : [`${name} (${value}) must be longer than ${others} (${least}), or it would end what is on its way`]
}
