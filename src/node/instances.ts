import { type Body, malformed, optionalNumber, optionalText, text, texts } from './fields.ts'
import type { Answer, Handler } from './handler.ts'

/** What the table of the registry takes. */
const LEASE_LEAST_MS = 1_000
const LEASE_MOST_MS = 86_400_000

export const registerInstance: Handler = async (node, body) => {
  const uses = usesOf(body)
  const [leaseMs, application] = [
    optionalNumber(body, 'lease_ms', LEASE_LEAST_MS, LEASE_MOST_MS),
    optionalText(body, 'application'),
  ]
  const applicationName = optionalText(body, 'application_name')
  const instance = text(body, 'instance')
  const registered = await node.bellows.instances.register({
    instance,
    uses,
    ...(leaseMs === undefined ? {} : { leaseMs }),
    ...(application === undefined ? {} : { application }),
    ...(applicationName === undefined ? {} : { applicationName }),
  })
  return {
    type: 'instance_registered',
    instance: registered.instance,
    uses,
    lease_ms: registered.leaseMs,
    ...notReady(registered.notReady),
  }
}

export const heartbeat: Handler = async (node, body) => {
  const uses = body.uses === undefined ? undefined : usesOf(body)
  const [instance, health] = [text(body, 'instance'), optionalText(body, 'health')]
  const renewed = await node.bellows.instances.renew(instance, uses, health)
  return {
    type: 'heartbeat_ok',
    instance: renewed.instance,
    lease_ms: renewed.leaseMs,
    ...notReady(renewed.notReady),
  }
}

/** `users.name` or `sales.users.name`, a part in quotes where it has a dot. */
const USE = /^(?:(?:"(?:[^"]|"")+"|[^".]+)(?:\.(?!$)|$)){2,3}$/

function usesOf(body: Body): readonly string[] {
  const uses = texts(body, 'uses')
  const wrong = uses.find((use) => !USE.test(use))
  if (wrong === undefined) return uses
  throw malformed(`"${wrong}" in the field "uses" is not table.column or namespace.table.column`)
}

/** Also for one that was never there: what is asked for holds. */
export const deregisterInstance: Handler = async (node, body) => {
  const instance = text(body, 'instance')
  await node.bellows.instances.release(instance)
  return { type: 'instance_deregistered', instance }
}

export const listInstances: Handler = async (node) => {
  const list = await node.bellows.instances.list()
  return {
    type: 'instances',
    instances: list.map(({ instance, uses, state, lastSeenMsAgo }) => ({
      instance,
      uses,
      state,
      last_seen_ms_ago: lastSeenMsAgo,
    })),
  }
}

function notReady(columns: readonly string[]): Partial<Answer> {
  return columns.length === 0 ? {} : { not_ready: columns }
}
