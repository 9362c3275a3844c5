import type { Command } from '../../core/rollout/rules.ts'
import type { Page, Pager } from '../../engine/ports.ts'
import { runCommand } from './run-command.ts'

const SHOWN_CHARACTERS = 400
/** A variable may not be as long as a rollout of thousands has reasons. */
const BECAUSE_CHARACTERS_MAX = 4_000

/** Runs a command with what there is to tell in its environment, and once each time: whether somebody reads it is not known here. */
export function commandPager(command: Command, timeoutMs: number): Pager {
  return async (page) => {
    const { code, problem, err, out } = await runCommand({ command, env: variablesOf(page), timeoutMs })
    if (code === 0) return undefined
    const said = (err.trim() || out.trim()).slice(-SHOWN_CHARACTERS)
    return `the command for "notify" ${problem ?? `ended with exit code ${code}`}${said === '' ? '' : `: ${said}`}`
  }
}

function variablesOf({ failed, run, ...page }: Page): Readonly<Record<string, string>> {
  const { outcome, direction, because, migration, version, database } = page
  return {
    BELLOWS_OUTCOME: outcome,
    BELLOWS_DIRECTION: direction,
    BELLOWS_BECAUSE: because.slice(0, BECAUSE_CHARACTERS_MAX),
    BELLOWS_MIGRATION: migration,
    BELLOWS_RUN: String(run),
    BELLOWS_VERSION: version,
    BELLOWS_DATABASE: database,
    ...(failed === undefined ? {} : { BELLOWS_INSTANCE: failed }),
  }
}
