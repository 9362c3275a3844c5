import type { Command } from 'commander'
import { rolloutRules } from '../../config.ts'
import { BellowsError, type ProcessesConfig, superviseProcesses } from '../../index.ts'
import { readConfigFile } from '../config-file.ts'
import { EXIT } from '../exit-codes.ts'
import { reporting } from '../session.ts'
import { processTerminal } from '../terminal.ts'

const HELP = `
It starts nothing by itself: it runs what was deployed, and starts again what ends by itself. At SIGTERM or Ctrl-C it lets the requests
under way end and goes. The children run on, and the next "bellows supervise" takes them over, also after a kill -9. Under systemd that
needs KillMode=process; docs/deploy-processes.md has a unit.
`

export function addSupervise(program: Command): void {
  program
    .command('supervise')
    .description('run the instances of the application on this machine, behind a proxy: deploy.processes')
    .option('--stop-children', 'end the children too when it ends; the next one starts them again')
    .addHelpText('after', HELP)
    .action((flags: { readonly stopChildren?: boolean }) =>
      reporting({}, async () => {
        const config = await configOf(process.cwd())
        const say = (line: string): void => processTerminal.err(`${line}\n`)
        const stopped = stopSignal()
        const supervisor = await superviseProcesses({ config, say })
        for (const [role, port] of supervisor.ports)
          say(`"${role}" takes requests at ${config.roles[role]?.listen?.host}:${port}`)
        say(`supervising "${config.state}"; taken over: ${supervisor.adopted}`)
        await stopped
        say(flags.stopChildren === true ? 'ending with all children' : 'ending; the children run on')
        await supervisor.end(flags.stopChildren === true ? 'stop' : 'leave')
        return EXIT.done
      }),
    )
}

async function configOf(folder: string): Promise<ProcessesConfig> {
  const { deploy } = await readConfigFile(folder)
  if (deploy?.processes === undefined)
    throw new BellowsError('config_invalid', `No config file in "${folder}" has "deploy.processes".`, {
      hint: 'In bellows.config.yaml it says what to run: docs/deploy-processes.md',
    })
  const { processesConfig } = await import('../processes-format.ts')
  return processesConfig(deploy.processes, folder, rolloutRules(deploy.rollout))
}

/** The first signal. With the second one it goes at once: nothing is lost, as its children run on. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let isAsked = false
    for (const name of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
      process.on(name, () => {
        if (isAsked) process.exit(EXIT.interrupted)
        isAsked = true
        resolve()
      })
  })
}
