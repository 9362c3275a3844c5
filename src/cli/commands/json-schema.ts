import type { Command } from 'commander'
import { migrationSchema } from '../../index.ts'
import { EXIT } from '../exit-codes.ts'
import { reporting } from '../session.ts'
import { processTerminal } from '../terminal.ts'

export function addJsonSchema(program: Command): void {
  program
    .command('json-schema')
    .description('print the JSON Schema of migration files, for editors')
    .action(() =>
      reporting({}, async () => {
        processTerminal.out(JSON.stringify(await migrationSchema(), null, 2))
        return EXIT.done
      }),
    )
}
