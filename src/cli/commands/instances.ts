import type { Command } from 'commander'
import type { Instance } from '../../index.ts'
import { EXIT } from '../exit-codes.ts'
import { addDatabaseFlags, filled } from '../flags.ts'
import { duration } from '../render/figures.ts'
import { type DatabaseFlags, inSession, printJson } from '../session.ts'

interface ReleaseFlags extends DatabaseFlags {
  readonly reason?: string
}

export function addInstances(program: Command): void {
  const instances = program
    .command('instances')
    .description('who is registered, what it uses, and when it was last seen')
  addDatabaseFlags(instances.command('list', { isDefault: true }))
    .description('list all instances')
    .action((flags: DatabaseFlags) =>
      inSession('instances', flags, {}, async ({ bellows, terminal }) => {
        const list = await bellows.instances.list()
        if (flags.json === true) printJson({ instances: list })
        else terminal.out(list.length === 0 ? NONE : list.map(line).join('\n'))
        return EXIT.done
      }),
    )
  addDatabaseFlags(instances.command('release'))
    .description('say of an instance that it is surely gone, so that it no longer blocks')
    .argument('<instance>', 'its id, as "bellows instances" lists it')
    .option('--reason <why>', 'kept in the audit; needed while its lease goes on', filled)
    .action((instance: string, flags: ReleaseFlags) =>
      inSession('instances', flags, {}, async ({ bellows, terminal }) => {
        const wasThere = await bellows.instances.releaseByHand(instance, flags.reason)
        if (flags.json === true) printJson({ instance, released: wasThere })
        else
          terminal.out(
            wasThere ? `${instance} is released.` : `${instance} was not registered; nothing to do.`,
          )
        return EXIT.done
      }),
    )
}

const NONE =
  "No instance was ever registered. In Node.js: import { announce } from 'bellows/app'. In SQL: select bellows.register('id', array['users.name'])"

function line({ instance, application, version, kind, host, uses, state, lastSeenMsAgo }: Instance): string {
  const known = [application, version, kind === null ? null : `(${kind})`].filter((one) => one !== null)
  const of = `${known.length === 0 ? '' : ` of ${known.join(' ')}`}${host === null ? '' : ` on ${host}`}`
  const what = uses.length === 0 ? 'nothing' : uses.join(', ')
  return `${instance}${of}  ${state}, last seen ${duration(lastSeenMsAgo / 1000)} ago, uses ${what}`
}
