import type { Command } from 'commander'
import { DEFAULT_ROLLOUT } from '../../../config.ts'
import type { PastRollout } from '../../../index.ts'
import { EXIT } from '../../exit-codes.ts'
import { addDatabaseFlags, wholeNumber } from '../../flags.ts'
import { duration } from '../../render/figures.ts'
import { type DatabaseFlags, inSession, printJson, type Session } from '../../session.ts'

interface HistoryFlags extends DatabaseFlags {
  readonly last?: number
}

export function addRolloutHistory(deploy: Command): void {
  addDatabaseFlags(deploy.command('history'))
    .description('what was deployed, the newest first, and what cannot be brought back any more')
    .option('--last <n>', 'so many (default: "history" of the rules, 10)', wholeNumber)
    .action((flags: HistoryFlags) =>
      inSession('deploy', flags, {}, async (session) => {
        const { terminal } = session
        const shown = await pastOf(session, flags.last)
        if (flags.json === true) printJson({ deployments: shown })
        else terminal.out(shown.length === 0 ? 'Nothing was deployed yet.' : shown.map(row).join('\n'))
        return EXIT.done
      }),
    )
}

async function pastOf({ bellows, deployment }: Session, last: number | undefined) {
  const most = last ?? (deployment?.by === 'instances' ? deployment.rules : DEFAULT_ROLLOUT).history
  const [past, runs] = [await bellows.pastRollouts(), await bellows.runs()]
  const names = new Map(runs.map(({ id, plan }) => [id, plan.migration.name]))
  return past.slice(0, most).map((one) => ({ ...one, migration: names.get(one.run) ?? '' }))
}

const OUTCOMES = { done: 'done', rolled_back: 'taken back', abandoned: 'abandoned' } as const

function row({ version, migration, beganAtMs, ended, tooOld }: PastRollout & { readonly migration: string }) {
  const began = new Date(beganAtMs).toISOString().slice(0, 16).replace('T', ' ')
  const what =
    ended === undefined
      ? 'not over'
      : `${OUTCOMES[ended.outcome]} in ${duration((ended.atMs - beganAtMs) / 1_000)}`
  const because = ended === undefined || ended.outcome === 'done' ? '' : `: ${ended.because}`
  const barred = tooOld === undefined ? '' : `; cannot be brought back: ${tooOld}`
  return `${began}  ${version.padEnd(VERSION_WIDTH)} ${migration}  ${what}${because}${barred}`
}

const VERSION_WIDTH = 10
