#!/usr/bin/env node
import { Command, CommanderError } from 'commander'
import { addAdvances } from './commands/advance.ts'
import { addAudit } from './commands/audit.ts'
import { addBaseline } from './commands/baseline.ts'
import { addBrownout } from './commands/brownout.ts'
import { addCheck } from './commands/check.ts'
import { addClients } from './commands/clients.ts'
import { addContract } from './commands/contract.ts'
import { addDemo } from './commands/demo.ts'
import { addDeploy } from './commands/deploy/deploy.ts'
import { addDoctor } from './commands/doctor.ts'
import { addGate } from './commands/gate.ts'
import { addInit } from './commands/init.ts'
import { addInstances } from './commands/instances.ts'
import { addJsonSchema } from './commands/json-schema.ts'
import { addNew } from './commands/new.ts'
import { addNode } from './commands/node.ts'
import { addPlan } from './commands/plan.ts'
import { addReap } from './commands/reap.ts'
import { addRollback, addUndo } from './commands/return.ts'
import { addStatus } from './commands/status.ts'
import { addSupervise } from './commands/supervise.ts'
import { addThrottle } from './commands/throttle.ts'
import { addWatch } from './commands/watch.ts'
import { addWork } from './commands/work.ts'
import { EXIT } from './exit-codes.ts'
import { VERSION } from './version.ts'

const EXAMPLES = `
Examples:
  bellows new rename_user_name --rename users.name:full_name
  bellows plan                      what would happen, statement by statement
  bellows expand && bellows backfill && bellows verify
  (deploy the new version of the application)
  bellows contract --confirm shop   drop the old column when no instance needs it
  bellows demo                      all of that on a database of its own, with live traffic
`

function program(): Command {
  const bellows = new Command('bellows')
    .description('Zero-downtime schema changes for PostgreSQL.')
    .version(VERSION, '-V, --version')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
    .configureHelp({ sortSubcommands: false })
  addInit(bellows)
  addBaseline(bellows)
  addNew(bellows)
  addPlan(bellows)
  addAdvances(bellows)
  addWork(bellows)
  addThrottle(bellows)
  addGate(bellows)
  addBrownout(bellows)
  addContract(bellows)
  addUndo(bellows)
  addRollback(bellows)
  addReap(bellows)
  addStatus(bellows)
  addWatch(bellows)
  addCheck(bellows)
  addInstances(bellows)
  addClients(bellows)
  addAudit(bellows)
  addDeploy(bellows)
  addSupervise(bellows)
  addNode(bellows)
  addDemo(bellows)
  addDoctor(bellows)
  addJsonSchema(bellows)
  for (const command of bellows.commands) command.exitOverride()
  return bellows
}

// Whoever read along is gone, as behind "| head": no reason to end a migration half way.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)

try {
  await program().parseAsync()
} catch (error) {
  if (!(error instanceof CommanderError)) throw error
  // Help and version end with 0; everything else that commander refuses is a usage error.
  process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage
}
