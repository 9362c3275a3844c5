import type { Command } from 'commander'
import { chosenRun } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

const HELP = `
What has happened so far comes first. --json prints one document a line: what happened, how far a step is, what holds it back.
`

export function addWatch(program: Command): void {
  addDatabaseFlags(program.command('watch'))
    .description('follow a migration that is driven elsewhere, until it is over or Ctrl-C; changes nothing')
    .argument('[migration]', 'name or file; default: the one under way')
    .addHelpText('after', HELP)
    .action((named: string | undefined, flags: DatabaseFlags) =>
      inSession('watch', flags, {}, async ({ bellows, terminal }) => {
        const { id, plan } = await chosenRun(bellows, named)
        const { state } = await bellows.watch(
          id,
          flags.json === true ? (notice) => printJson({ ...notice }) : undefined,
        )
        if (flags.json === true) printJson({ type: 'left', migration: plan.migration.name, state })
        else terminal.out(`${plan.migration.name}  ${state.replaceAll('_', ' ')}`)
        return EXIT.done
      }),
    )
}
