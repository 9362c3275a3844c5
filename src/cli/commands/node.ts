import { type Command, Option } from 'commander'
import { serve } from '../../node/serve.ts'
import { time, wholeNumber } from '../flags.ts'
import { VERSION } from '../version.ts'

interface NodeFlags {
  readonly database?: string
  readonly data?: string
  readonly replies: 'auto' | 'bare' | 'envelope'
  readonly strict?: boolean
  readonly implied: 'data' | 'all'
  readonly requireInstances?: boolean
  readonly allowNoInstances?: boolean
  readonly silentGrace?: number
  readonly maxLineBytes?: number
}

export function addNode(program: Command): void {
  program
    .command('node')
    .description(
      'JSON lines in, JSON lines out: the three phases as messages; alone it starts a demo database of its own',
    )
    .option('-d, --database <url>', 'work on this database (default: DATABASE_URL, else an embedded demo)')
    .option('--data <folder>', 'keep the embedded database in this folder')
    .addOption(
      new Option('--replies <form>', 'form of the replies')
        .choices(['auto', 'bare', 'envelope'])
        .default('auto'),
    )
    .option('--strict', 'refuse a phase whose predecessor is missing, instead of doing that first')
    .addOption(
      new Option('--implied <what>', 'what contract may bring along')
        .choices(['data', 'all'])
        .default('data'),
    )
    .option(
      '--require-instances',
      'refuse to contract before an instance was ever registered that uses the table',
    )
    .option(
      '--allow-no-instances',
      'contract although no instance was ever registered that uses the table; kept in the journal',
    )
    .option(
      '--silent-grace <time>',
      'a silent instance without sessions counts as gone after so long (default: 10min)',
      time,
    )
    .option('--max-line-bytes <bytes>', 'longest message (default: 1048576)', wholeNumber)
    .action((flags: NodeFlags) => serveProcess(flags))
}

async function serveProcess(flags: NodeFlags): Promise<void> {
  const stopping = new AbortController()
  const stop = () => stopping.abort()
  process.on('SIGTERM', stop).on('SIGINT', stop)
  const database =
    flags.data === undefined ? (flags.database ?? (process.env.DATABASE_URL || undefined)) : undefined
  await serve(
    {
      ...(database === undefined ? {} : { database }),
      ...(flags.data === undefined ? {} : { dataFolder: flags.data }),
      ...(flags.maxLineBytes === undefined ? {} : { lineBytesMax: flags.maxLineBytes }),
      application: `bellows/${VERSION} node`,
      replies: flags.replies,
      strict: flags.strict === true,
      impliesAll: flags.implied === 'all',
      requireInstances: flags.requireInstances === true,
      allowNoInstances: flags.allowNoInstances === true,
      settings: flags.silentGrace === undefined ? {} : { gate: { silentGraceMs: flags.silentGrace } },
    },
    {
      input: process.stdin,
      output: process.stdout,
      log: (line) => process.stderr.write(`${line}\n`),
      stop: stopping.signal,
    },
  )
  process.off('SIGTERM', stop).off('SIGINT', stop)
}
