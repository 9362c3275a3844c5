import type { Command } from 'commander'
import { BellowsError, type DeclaredClient } from '../../index.ts'
import { chosenRun } from '../choose.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags, filled } from '../flags.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

interface AddFlags extends DatabaseFlags {
  readonly role?: string
  readonly application?: string
  readonly owner: string
}

interface AcknowledgeFlags extends DatabaseFlags {
  readonly by: string
}

export function addClients(program: Command): void {
  const clients = program
    .command('clients')
    .description('clients that do not register (reports, exports, replication), and who answers for them')
  addDatabaseFlags(clients.command('list', { isDefault: true }))
    .description('list all (the default), with whether each has said that it does without what goes')
    .argument('[migration]', 'name; default: what holds for every migration')
    .action((named: string | undefined, flags: DatabaseFlags) =>
      inSession('clients', flags, {}, async ({ bellows, terminal }) => {
        const run = named === undefined ? undefined : await chosenRun(bellows, named)
        const list = await bellows.clients.list(run?.id)
        if (flags.json === true) printJson({ clients: list })
        else terminal.out(list.length === 0 ? NONE : list.map(line).join('\n'))
        return EXIT.done
      }),
    )
  addAdd(clients)
  addAcknowledge(clients)
  addDatabaseFlags(clients.command('remove'))
    .description('forget a client; its sessions are of nobody known from then on')
    .argument('<client>', 'its name')
    .action((client: string, flags: DatabaseFlags) =>
      inSession('clients', flags, {}, async ({ bellows, terminal }) => {
        await bellows.clients.forget(client)
        if (flags.json === true) printJson({ client, removed: true })
        else terminal.out(`${client} is no longer declared.`)
        return EXIT.done
      }),
    )
}

function addAdd(clients: Command): void {
  addDatabaseFlags(clients.command('add'))
    .description('declare a client, by how its sessions can be told')
    .argument('<client>', 'a name for it', filled)
    .option('--role <role>', 'the role that it logs in with', filled)
    .option('--application <name>', 'its application_name', filled)
    .requiredOption('--owner <who>', 'who answers for it', filled)
    .action((client: string, { role, application, owner, ...flags }: AddFlags) =>
      inSession('clients', flags, {}, async ({ bellows, terminal }) => {
        if (role === undefined && application === undefined) throw untold(client)
        await bellows.clients.declare({
          client,
          owner,
          ...(role === undefined ? {} : { role }),
          ...(application === undefined ? {} : { applicationName: application }),
        })
        if (flags.json === true) printJson({ client, declared: true })
        else
          terminal.out(
            `${client} is declared. It blocks every contract until "${owner}" has answered:\nnext: bellows clients acknowledge ${client} [migration] --by <who>`,
          )
        return EXIT.done
      }),
    )
}

function addAcknowledge(clients: Command): void {
  addDatabaseFlags(clients.command('acknowledge'))
    .description('say of a client that it does without what a migration removes')
    .argument('<client>', 'its name')
    .argument('[migration]', 'name; default: whatever any migration removes')
    .requiredOption('--by <who>', 'who says so', filled)
    .action((client: string, named: string | undefined, { by, ...flags }: AcknowledgeFlags) =>
      inSession('clients', flags, {}, async ({ bellows, terminal }) => {
        const run = named === undefined ? undefined : await chosenRun(bellows, named)
        await bellows.clients.acknowledge({ client, by, ...(run === undefined ? {} : { run: run.id }) })
        const what =
          run === undefined ? 'whatever any migration removes' : `what "${run.plan.migration.name}" removes`
        if (flags.json === true) printJson({ client, acknowledged: true })
        else terminal.out(`${by} has said that ${client} does without ${what}.`)
        return EXIT.done
      }),
    )
}

function untold(client: string): BellowsError {
  return new BellowsError('config_invalid', `Nothing says how the sessions of "${client}" can be told.`, {
    hint: 'Name the role that it logs in with (--role), its application_name (--application), or both.',
  })
}

const NONE = 'No client is declared. Declare one: bellows clients add <name> --role <role> --owner <who>'

function line({ client, role, applicationName, owner, acknowledged }: DeclaredClient): string {
  const told = [
    ...(role === null ? [] : [`role ${role}`]),
    ...(applicationName === null ? [] : [`called "${applicationName}"`]),
  ].join(', ')
  const said =
    acknowledged === null ? 'not acknowledged' : `acknowledged by ${acknowledged.by} at ${acknowledged.at}`
  return `${client}  ${told}, owner ${owner}  ${said}`
}
