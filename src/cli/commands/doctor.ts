import type { Command } from 'commander'
import type { Finding } from '../../index.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags } from '../flags.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'
import type { Terminal } from '../terminal.ts'

const COLORS = { ok: 'green', warning: 'yellow', failed: 'red' } as const

export function addDoctor(program: Command): void {
  addDatabaseFlags(program.command('doctor'))
    .description(
      'look at the server: can a migration be done there, and would it be wise now; changes nothing',
    )
    .option(
      '--app-url <url>',
      'postgres:// URL that the application connects with: is it this database, and what does a pooler between change (default: appUrl of the config file; DATABASE_URL where DIRECT_URL is set, too)',
    )
    .action((flags: DatabaseFlags) =>
      inSession('doctor', flags, {}, async ({ bellows, terminal }) => {
        const findings = await bellows.examine()
        if (flags.json === true) printJson({ findings })
        else terminal.out(findings.map((finding) => line(finding, terminal)).join('\n'))
        return findings.some(({ verdict }) => verdict === 'failed') ? EXIT.refused : EXIT.done
      }),
    )
}

function line({ check, verdict, because, hint }: Finding, { style }: Terminal): string {
  const first = `${style(COLORS[verdict], verdict.padEnd(7))}  ${check.padEnd(21)}  ${because}`
  return hint === undefined ? first : `${first}\n${' '.repeat(32)}${hint}`
}
