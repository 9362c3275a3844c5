import { BellowsError, messageOf } from '../../core/errors.ts'
import type { ProcessesConfig } from '../../core/processes/config.ts'
import { createProxy, type ReverseProxy } from './proxy/proxy.ts'

/** A proxy for each role that has an address, none of which listens yet. */
export function createProxies({ roles }: ProcessesConfig): ReadonlyMap<string, ReverseProxy> {
  const listening = Object.entries(roles).filter(([, { listen }]) => listen !== undefined)
  return new Map(listening.map(([name]) => [name, createProxy({ name })]))
}

/** @returns the port of each role */
export async function listenAll(
  proxies: ReadonlyMap<string, ReverseProxy>,
  { roles }: ProcessesConfig,
): Promise<ReadonlyMap<string, number>> {
  const given = givenSockets(process.env, process.pid)
  const ports = new Map<string, number>()
  for (const [name, proxy] of proxies) {
    const fd = given.get(name)
    const address = roles[name]?.listen
    try {
      ports.set(
        name,
        await proxy.listen(fd === undefined ? (address ?? { host: '127.0.0.1', port: 0 }) : { fd }),
      )
    } catch (cause) {
      throw new BellowsError(
        'config_invalid',
        `The role "${name}" cannot have the address ${address?.host}:${address?.port}: ${messageOf(cause)}.`,
        { hint: `End whoever has it, or change deploy.processes.roles.${name}.listen.`, cause },
      )
    }
  }
  return ports
}

/**
 * Sockets that systemd listens on for us, by their names. While there is no supervisor, whoever connects waits and is not refused.
 * Source: sd_listen_fds(3).
 */
export function givenSockets(
  { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = '' }: Readonly<Record<string, string | undefined>>,
  pid: number,
): ReadonlyMap<string, number> {
  if (LISTEN_PID !== String(pid)) return new Map()
  const names = LISTEN_FDNAMES.split(':').slice(0, Number(LISTEN_FDS ?? 0))
  return new Map(names.map((name, at) => [name, FIRST_FD + at]))
}

const FIRST_FD = 3
