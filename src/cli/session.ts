import { type Config, configFrom, type SettingsChange } from '../config.ts'
import { type Bellows, BellowsError, openBellows } from '../index.ts'
import { readConfigFile } from './config-file.ts'
import { type Deployment, deploymentFrom } from './deployment.ts'
import { EXIT, exitCodeOf } from './exit-codes.ts'
import { besideProgress, progressView } from './render/progress.ts'
import { processTerminal, type Terminal } from './terminal.ts'
import { VERSION } from './version.ts'

/** Flags that every command with a database has. */
export interface DatabaseFlags {
  readonly database?: string
  readonly migrations?: string
  readonly json?: boolean
  /** URLs of standbys, of a command that looks for evidence. */
  readonly standby?: readonly string[]
  /** How the application connects, of `doctor`. */
  readonly appUrl?: string
}

export interface Session {
  readonly bellows: Bellows
  readonly config: Config
  readonly terminal: Terminal
  /** How the application is deployed, where the config file says so. */
  readonly deployment: Deployment | undefined
  /** Was it asked to stop? A command that waits looks again and again. */
  readonly isStopping: () => boolean
}

/** Opens the database for one command, runs it, and turns what comes out into an exit code. */
export async function inSession(
  command: string,
  flags: DatabaseFlags,
  settings: SettingsChange,
  work: (session: Session) => Promise<number>,
): Promise<void> {
  await reporting(flags, async () => {
    const file = await readConfigFile(process.cwd())
    const { standby, ...named } = flags
    const standbys = standby === undefined ? {} : { standbys: standby }
    const config = configFrom({ flags: { ...named, ...standbys, settings }, env: process.env, file })
    const deployment = await deploymentFrom(file.deploy, process.cwd())
    const view = progressView(processTerminal)
    const terminal = besideProgress(processTerminal, view)
    const stop = stopOnInterrupt(terminal)
    const bellows = await openBellows({
      ...(config.database === undefined ? {} : { database: config.database }),
      application: `bellows/${VERSION} ${command}`,
      settings: config.settings,
      standbys: config.standbys,
      ...(config.appUrl === undefined ? {} : { applicationUrl: config.appUrl }),
      ...(deployment?.by === 'instances' ? { deployer: deployment.deployer } : {}),
      ...(deployment?.by === 'workloads' ? { kubernetes: deployment.kubernetes } : {}),
      ...(file.deploy?.notify === undefined ? {} : { notify: file.deploy.notify }),
      onNotice: (notice) => view.show(notice),
      isStopping: stop.isAsked,
    })
    try {
      return await work({ bellows, config, terminal, deployment, isStopping: stop.isAsked })
    } finally {
      view.end()
      await bellows.close()
      stop.forget()
    }
  })
}

/** Runs a command and sets the exit code. What went wrong is said on stderr, and with `--json` on stdout as a document. */
export async function reporting(
  flags: { readonly json?: boolean },
  work: () => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await work()
  } catch (error) {
    if (!(error instanceof BellowsError)) throw error
    process.exitCode = exitCodeOf(error.code)
    if (flags.json === true)
      printJson({ error: { code: error.code, message: error.message, hint: error.hint, ...error.facts } })
    else printError(error, processTerminal)
  }
}

export function printError(error: BellowsError, { err, style }: Terminal): void {
  const step = error.step === undefined ? '' : ` in ${error.step}`
  err(`${style('red', 'error')} ${error.message}\n`)
  for (const line of error.hint?.split('\n') ?? []) err(`      ${line}\n`)
  err(`      ${style('dim', `${error.code}${step}; see docs/errors.md`)}\n`)
}

/** One document a command, with the version of its shape, of which no other version takes the place. */
export function printJson(document: Readonly<Record<string, unknown>> & { readonly version?: never }): void {
  processTerminal.out(JSON.stringify({ version: 1, ...document }))
}

/** Ctrl-C once: stop where nothing is half done. Twice: now; the server then ends the statement by itself. */
function stopOnInterrupt(terminal: Terminal): { isAsked: () => boolean; forget: () => void } {
  let asked = false
  const onSignal = (): void => {
    if (asked) process.exit(EXIT.interrupted)
    asked = true
    terminal.err('Stopping after this batch. Once more to stop at once.\n')
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  return {
    isAsked: () => asked,
    forget: () => {
      process.off('SIGINT', onSignal).off('SIGTERM', onSignal)
    },
  }
}
