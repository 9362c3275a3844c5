import { BellowsError } from '../../core/errors.ts'
import type { ProcessesConfig } from '../../core/processes/config.ts'
import { createChildren } from './children.ts'
import { fleetOf } from './fleet.ts'
import { createProxies, listenAll } from './listeners.ts'
import { fileLogs } from './logs.ts'
import { loopbackPorts } from './ports.ts'
import type { ReverseProxy } from './proxy/proxy.ts'
import { fileRecords } from './records.ts'
import { takeStateFolder } from './state-folder.ts'

export interface SuperviseOptions {
  readonly config: ProcessesConfig
  /** Told what happens, a line at a time, for people. */
  readonly say?: (line: string) => void
}

export interface Supervisor {
  /** The port of each role that has an address. */
  readonly ports: ReadonlyMap<string, number>
  /** How many processes of a supervisor before this one were taken over. */
  readonly adopted: number
  /**
   * Lets what is under way end, and goes. `leave`: the children run on, and the next supervisor takes them over. `stop`: they are
   * ended before; those that serve are started again by the next supervisor.
   */
  end(children: 'leave' | 'stop'): Promise<void>
}

/** For requests under way when the supervisor ends. */
const DRAIN_TIMEOUT_MS = 10_000

/**
 * Runs the proxies and the children of one application, as long as this process lives. Who drives it reaches it by
 * `processDeployer`.
 * @throws BellowsError `data_folder_in_use`, `data_folder_unusable` or `config_invalid`
 */
export async function superviseProcesses({
  config,
  say = () => undefined,
}: SuperviseOptions): Promise<Supervisor> {
  if (process.platform === 'win32')
    throw new BellowsError('config_invalid', 'Processes are supervised on Linux and macOS only.', {
      hint: 'Run the supervisor in WSL or in a container, or deploy in another way and use: bellows gate wait',
    })
  const folder = await takeStateFolder(config.state)
  const proxies = createProxies(config)
  const [logs, records, ports] = [fileLogs(folder.logs), fileRecords(folder.records), loopbackPorts()]
  const children = createChildren({ config, proxies, records, logs, ports, say })
  const withdraw = async (): Promise<void> => {
    await Promise.all(children.all().map((child) => child.leave()))
    await closeAll(proxies, 0)
    await folder.release()
  }
  try {
    await children.adopt(await records.readAll())
    const listening = await listenAll(proxies, config)
    // Not loaded by commands that supervise nothing.
    const { serveDeployer } = await import('./control-server.ts')
    const control = await serveDeployer(fleetOf(children, config, logs), folder.socket)
    return {
      ports: listening,
      adopted: children.all().filter(({ hasProcess }) => hasProcess).length,
      end: async (how) => {
        await control.close()
        await closeAll(proxies, DRAIN_TIMEOUT_MS)
        if (how === 'stop') await Promise.all(children.all().map((child) => child.halt()))
        await withdraw()
      },
    }
  } catch (error) {
    await withdraw()
    throw error
  }
}

async function closeAll(proxies: ReadonlyMap<string, ReverseProxy>, timeoutMs: number): Promise<void> {
  await Promise.all([...proxies.values()].map((proxy) => proxy.close(timeoutMs)))
}
