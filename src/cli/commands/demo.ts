import type { Command } from 'commander'
import { demo } from '../demo/demo.ts'
import { CLIENTS } from '../demo/load.ts'
import { EXIT } from '../exit-codes.ts'
import { wholeNumber } from '../flags.ts'
import { reporting } from '../session.ts'
import { processTerminal } from '../terminal.ts'

export function addDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'rename a column of a live table under real traffic, on a database of its own, and check every claim',
    )
    .option('--rows <count>', 'rows of the table', (text) => Math.max(CLIENTS, wholeNumber(text)), 100_000)
    .option('--keep', 'leave it running at the end, to look around')
    .action((flags: { rows: number; keep?: boolean }) =>
      reporting({}, async () => {
        const held = await demo({ rows: flags.rows, keep: flags.keep === true }, processTerminal)
        return held ? EXIT.done : EXIT.failed
      }),
    )
}
