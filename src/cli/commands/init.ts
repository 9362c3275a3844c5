import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { reporting } from '../session.ts'
import { processTerminal } from '../terminal.ts'

const CONFIG_FILE = 'bellows.config.yaml'

const CONFIG = `# Settings of Bellows; docs/configuration.md explains each. Flags and environment variables go before this file.

# Without it: DIRECT_URL, DATABASE_URL, or the PG* variables. Better there than here when it has a password.
# database: postgres://user@localhost/name

migrations: migrations
`

export function addInit(program: Command): void {
  program
    .command('init')
    .description('make a folder for migrations and a config file, where there are none')
    .option('-m, --migrations <folder>', 'folder of the migration files', 'migrations')
    .action((flags: { migrations: string }) =>
      reporting({}, async () => {
        const made: string[] = []
        if (!existsSync(flags.migrations)) made.push(`${flags.migrations}/`)
        await mkdir(flags.migrations, { recursive: true })
        if (!existsSync(CONFIG_FILE)) {
          await writeFile(
            CONFIG_FILE,
            CONFIG.replace('migrations: migrations', `migrations: ${flags.migrations}`),
          )
          made.push(CONFIG_FILE)
        }
        processTerminal.out(made.length === 0 ? 'All is there already.' : `Made ${made.join(' and ')}.`)
        processTerminal.out('Next: bellows new <name> --rename users.name:full_name')
        return EXIT.done
      }),
    )
}
