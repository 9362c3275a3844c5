import type { Command } from 'commander'
import type { Reaped } from '../../index.ts'
import { EXIT } from '../exit-codes.ts'
import { addBoundFlags, type BoundFlags, boundSettings } from '../flags.ts'
import { duration } from '../render/figures.ts'
import { inSession, printJson } from '../session.ts'

export function addReap(program: Command): void {
  addBoundFlags(program.command('reap'))
    .description(
      'drop every hidden shape whose grace is over and whose contract was made with --reap; for cron: exits with 5 only when one could not be dropped',
    )
    .action((flags: BoundFlags) =>
      inSession('reap', flags, boundSettings(flags), async ({ bellows, terminal }) => {
        const reaped = await bellows.reap()
        if (flags.json === true) printJson({ reaped })
        else terminal.out(reaped.length === 0 ? 'Nothing waits to be dropped.' : reaped.map(line).join('\n'))
        return reaped.some(({ because }) => because !== undefined) ? EXIT.tryAgain : EXIT.done
      }),
    )
}

function line({ migration, dropped, graceLeftMs, because }: Reaped): string {
  if (dropped) return `${migration}: dropped.`
  if (graceLeftMs === undefined) return `${migration}: kept. ${because}`
  return `${migration}: kept for another ${duration(graceLeftMs / 1000)}.`
}
