import { BellowsError, type QualifiedName } from '../index.ts'
import { type Body, malformed, optionalNumber, optionalText, text, texts } from './fields.ts'
import type { Answer, Handler, Node } from './handler.ts'

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

/**
 * Refuses what the gate of the column would refuse, before something is done on the way to it. No more than a look: the gate
 * itself looks again, with its door closed.
 */
export async function refuseWhileNeeded(
  { bellows, gate }: Node,
  table: QualifiedName,
  column: string,
): Promise<void> {
  const of = `${table.name}.${column}`
  const needing = await bellows.instances.needing(table, column, gate.silentGraceMs)
  const blocking = needing.filter(({ blocks }) => blocks)
  if (blocking.length > 0) {
    const names = blocking.map(({ instance }) => instance)
    const silent = blocking.filter(({ state }) => state === 'silent').map(({ instance }) => instance)
    throw new BellowsError('instances_blocking', `${of} is used by ${names.join(', ')}.`, {
      hint: 'Update or stop them; of one that is surely gone say so with deregister_instance.',
      facts: { blocking_instances: names, ...(silent.length === 0 ? {} : { silent }) },
    })
  }
  if (gate.whenNoneRegistered === 'allow' || (await bellows.instances.list()).length > 0) return
  throw new BellowsError(
    'gate_closed',
    `Nothing was done: no instance was ever registered, so nobody knows whether one uses ${of}.`,
    { hint: 'Have the instances register, or start the node with --allow-no-instances.' },
  )
}

function notReady(columns: readonly string[]): Partial<Answer> {
  return columns.length === 0 ? {} : { not_ready: columns }
}
