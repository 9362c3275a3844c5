import { BellowsError, messageOf } from '../../core/errors.ts'
import type { FleetInstance, Placement } from '../../core/rollout/fleet.ts'
import type { Command } from '../../core/rollout/rules.ts'
import type { Deployer } from '../../engine/ports.ts'
import { fleetFormat, type PrintedInstance } from './fleet-format.ts'
import { countHealth } from './health.ts'
import { type CommandEnd, runCommand } from './run-command.ts'

/** A command for each step. They get what they need to know in variables `BELLOWS_…`, and may be run again at any time. */
export interface CommandDeployerOptions {
  /** Starts an instance, unless it was started before. */
  readonly start: Command
  /** Gives an instance work; absent where it takes its work by itself. */
  readonly serve?: Command
  /** Gives an instance no new work; absent where nobody can. */
  readonly drain?: Command
  /** Tells an instance to end, and sees to it that it does. */
  readonly stop: Command
  /** Prints the instances that there are, as JSON. */
  readonly fleet: Command
  /** Prints the last lines of an instance. */
  readonly log?: Command
  /** Longest time of one command. */
  readonly timeoutMs: number
  /** Told to `stop`. */
  readonly stopTimeoutMs: number
  /** Looks that follow each other more quickly count as one result of a health check. */
  readonly healthIntervalMs: number
}

type Step = 'start' | 'serve' | 'drain' | 'stop' | 'log'

/** Instances through commands of the user: any orchestrator that has a command line. */
export function commandDeployer(options: CommandDeployerOptions): Deployer {
  const health = countHealth(options.healthIntervalMs, () => performance.now())
  const known = new Map<string, Placement>()
  /** Where nobody can drain, it is enough that we know. */
  const drained = new Set<string>()

  const fleet = async (): Promise<readonly FleetInstance[]> => {
    const printed = printedFleet(await ran(options, 'fleet', options.fleet, {}))
    health.forgetOthers(new Set(printed.map(({ id }) => id)))
    for (const one of printed) known.set(one.id, one)
    return printed.map((one) =>
      health.seen(
        one.state === 'serving' && drained.has(one.id) ? { ...one, state: 'draining', inFlight: 0 } : one,
      ),
    )
  }

  /** Of one that is not there any more nothing can be asked, and nothing has to be. */
  const placementOf = async (id: string): Promise<Placement | undefined> => {
    if (!known.has(id)) await fleet()
    return known.get(id)
  }

  const step = async (name: Step, id: string, command: Command | undefined, more = {}): Promise<string> => {
    const placement = command === undefined ? undefined : await placementOf(id)
    if (command === undefined || placement === undefined) return ''
    return await ran(options, name, command, { ...variablesOf(placement), ...more })
  }

  return {
    fleet,
    start: async (placement) => {
      await ran(options, 'start', options.start, variablesOf(placement))
      known.set(placement.id, placement)
    },
    serve: async (id) => void (await step('serve', id, options.serve)),
    drain: async (id) => {
      if (options.drain === undefined) drained.add(id)
      await step('drain', id, options.drain)
    },
    stop: async (id) =>
      void (await step('stop', id, options.stop, { BELLOWS_STOP_TIMEOUT_MS: String(options.stopTimeoutMs) })),
    // What a command remembers is its own affair.
    forget: async () => undefined,
    log: async (id, lines) => {
      const text = await step('log', id, options.log, { BELLOWS_LINES: String(lines) })
      return text === '' ? [] : text.trimEnd().split('\n').slice(-lines)
    },
  }
}

function variablesOf({ id, role, slot, version }: Placement): Readonly<Record<string, string>> {
  return {
    BELLOWS_INSTANCE: id,
    BELLOWS_ROLE: role,
    BELLOWS_SLOT: String(slot),
    BELLOWS_VERSION: version,
  }
}

/** What a command printed. */
async function ran(
  { timeoutMs }: CommandDeployerOptions,
  step: Step | 'fleet',
  command: Command,
  variables: Readonly<Record<string, string>>,
): Promise<string> {
  const end = await runCommand({ command, env: { BELLOWS_STEP: step, ...variables }, timeoutMs })
  if (end.code === 0) return end.out
  const id = variables.BELLOWS_INSTANCE
  throw new BellowsError('deployer_failed', failureOf(step, id, end), {
    hint: `It was: ${typeof command === 'string' ? command : command.join(' ')}`,
    facts: { deploy_step: step, ...(id === undefined ? {} : { instance: id }) },
  })
}

const SHOWN_CHARACTERS = 400

function failureOf(step: string, id: string | undefined, { code, problem, err, out }: CommandEnd): string {
  const said = (err.trim() || out.trim()).slice(-SHOWN_CHARACTERS)
  const of = id === undefined ? '' : ` of "${id}"`
  return `The command for "${step}"${of} ${problem ?? `ended with exit code ${code}`}${said === '' ? '.' : `: ${said}`}`
}

function printedFleet(text: string): readonly PrintedInstance[] {
  let printed: unknown
  try {
    printed = JSON.parse(text)
  } catch (error) {
    throw unreadable(text, messageOf(error))
  }
  const parsed = fleetFormat.safeParse(printed)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  throw unreadable(text, `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`)
}

function unreadable(text: string, problem: string): BellowsError {
  return new BellowsError(
    'deployer_failed',
    `The command for "fleet" printed what is not a list of instances: ${problem}. It printed: ${text.trim().slice(0, SHOWN_CHARACTERS) || 'nothing'}`,
    {
      hint: 'It must print a JSON array of {"id", "role", "slot", "version", "state", "healthy"}; see docs/deploy.md.',
      facts: { deploy_step: 'fleet' },
    },
  )
}
