import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { EXIT } from '../exit-codes.ts'
import { inSession, reporting } from '../session.ts'
import { processTerminal } from '../terminal.ts'

const CONFIG_FILE = 'bellows.config.yaml'

const CONFIG = `# Settings of Bellows; docs/configuration.md explains each. Flags and environment variables go before this file.

# Without it: DIRECT_URL, DATABASE_URL, or the PG* variables. Better there than here when it has a password.
# database: postgres://user@localhost/name

migrations: migrations
`

interface InitFlags {
  readonly database?: string
  readonly migrations: string
}

export function addInit(program: Command): void {
  program
    .command('init')
    .description(
      'make a folder for migrations and a config file where there are none; with a database, its registry, too',
    )
    .option('-d, --database <url>', 'install the journal and the registry of instances there')
    .option('-m, --migrations <folder>', 'folder of the migration files', 'migrations')
    .action(async (flags: InitFlags) => {
      await reporting({}, () => makeFiles(flags.migrations))
      const { database, migrations } = flags
      if (database !== undefined && process.exitCode === EXIT.done) await installIn(database, migrations)
    })
}

async function makeFiles(migrations: string): Promise<number> {
  const made: string[] = []
  if (!existsSync(migrations)) made.push(`${migrations}/`)
  await mkdir(migrations, { recursive: true })
  if (!existsSync(CONFIG_FILE)) {
    await writeFile(CONFIG_FILE, CONFIG.replace('migrations: migrations', `migrations: ${migrations}`))
    made.push(CONFIG_FILE)
  }
  processTerminal.out(made.length === 0 ? 'The files are there already.' : `Made ${made.join(' and ')}.`)
  processTerminal.out('Next: bellows new <name> --rename users.name:full_name')
  return EXIT.done
}

async function installIn(database: string, migrations: string): Promise<void> {
  await inSession('init', { database, migrations }, {}, async ({ bellows, terminal }) => {
    await bellows.install()
    terminal.out(
      `The namespace "bellows" is installed in "${await bellows.name()}"; applications can register.`,
    )
    return EXIT.done
  })
}
