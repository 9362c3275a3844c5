import path from 'node:path'
import { z } from 'zod'
import { DEFAULT_PROCESS } from '../config.ts'
import type { HealthCheck, InstanceRules, ProcessesConfig, ProcessRole } from '../index.ts'

const ms = z.number().int().nonnegative()
const count = z.number().int().positive()

const LISTEN = /^(?:(?:\[([\da-f:.]+)\]|([\w.-]+)):)?(\d{1,5})$/i
const PORT_MAX = 65_535
/** A shell would do something with these, and there is none. */
const FOR_A_SHELL = /["'`$\\|&;<>()*?#~!]/

const listen = z.union([z.string(), z.number()]).transform((given, context) => {
  const [, bracketed, host = bracketed ?? '127.0.0.1', port] = LISTEN.exec(String(given)) ?? []
  if (port !== undefined && Number(port) >= 1 && Number(port) <= PORT_MAX) return { host, port: Number(port) }
  context.addIssue({
    code: 'custom',
    message: `"${given}" is no address such as 127.0.0.1:8080 or [::1]:8080`,
  })
  return z.NEVER
})

const programWords = z.union([z.string(), z.array(z.string())], {
  error: 'it must be a program with its arguments, such as [node, server.mjs]',
})
const command = programWords.transform((given, context) => {
  const words = typeof given === 'string' ? given.split(' ').filter((word) => word !== '') : given
  if (words[0] === undefined || words[0] === '') {
    context.addIssue({ code: 'custom', message: 'the command is empty' })
  } else if (typeof given === 'string' && FOR_A_SHELL.test(given)) {
    const list = `[sh, -c, ${JSON.stringify(given)}]`
    context.addIssue({
      code: 'custom',
      message: `no shell reads a command: write a list such as [node, server.mjs], or ${list}`,
    })
  }
  return words
})

const health = z.union([
  z.strictObject({ path: z.string().regex(/^\/\S*$/), intervalMs: count, timeoutMs: count }).partial(),
  z.strictObject({ command, intervalMs: count.optional(), timeoutMs: count.optional() }),
])

const role = z.strictObject({
  command,
  listen: listen.optional(),
  instances: count.optional(),
  cwd: z.string().optional(),
  env: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)).optional(),
  health: health.optional(),
  stopTimeoutMs: ms.optional(),
})

/** `deploy.processes` of the config file. See docs/deploy-processes.md. */
export const processesFormat = z.strictObject({
  state: z.string().min(1).optional(),
  roles: z
    .record(z.string().regex(/^\w[\w-]*$/), role)
    .refine((roles) => Object.keys(roles).length > 0, 'name at least one role')
    .superRefine((roles, context) => {
      for (const [name, { listen, health }] of Object.entries(roles))
        if (listen === undefined && health !== undefined && 'path' in health)
          context.addIssue({
            code: 'custom',
            path: [name, 'health'],
            message: 'a role without "listen" has no port to ask: write a command, or nothing',
          })
    }),
})

export type ProcessesSection = z.output<typeof processesFormat>

/** With every default, and with paths from the folder of the config file. */
export function processesConfig(
  section: ProcessesSection,
  folder: string,
  { health, stopTimeoutMs }: InstanceRules,
): ProcessesConfig {
  const roles = Object.entries(section.roles).map(([name, given]) => [name, roleOf(given, folder)])
  return {
    state: path.resolve(folder, section.state ?? DEFAULT_PROCESS.state),
    roles: Object.fromEntries(roles),
    rules: { health, stopTimeoutMs },
  }
}

function roleOf(given: z.output<typeof role>, folder: string): ProcessRole {
  return {
    command: given.command,
    ...(given.listen === undefined ? {} : { listen: given.listen }),
    instances: given.instances ?? DEFAULT_PROCESS.instances,
    cwd: path.resolve(folder, given.cwd ?? '.'),
    env: given.env ?? {},
    health: healthOf(given),
    ...(given.stopTimeoutMs === undefined ? {} : { stopTimeoutMs: given.stopTimeoutMs }),
  }
}

function healthOf({ listen, health = {} }: z.output<typeof role>): HealthCheck {
  const standing = DEFAULT_PROCESS.health
  const intervalMs = health.intervalMs ?? standing.intervalMs
  const timeoutMs = health.timeoutMs ?? standing.timeoutMs
  if ('command' in health) return { kind: 'command', command: health.command, intervalMs, timeoutMs }
  if (listen === undefined) return { kind: 'alive', intervalMs }
  return { kind: 'http', path: health.path ?? standing.path, intervalMs, timeoutMs }
}
