import { describe, expect, test } from 'vitest'
import { configFormat } from '../../src/cli/config-format.ts'
import { deploymentFrom } from '../../src/cli/deployment.ts'
import { processesConfig, processesFormat } from '../../src/cli/processes-format.ts'
import { rolloutRules } from '../../src/config.ts'

const parsed = (roles: object, state?: string) =>
  processesFormat.parse({ roles, ...(state === undefined ? {} : { state }) })
const RULES = rolloutRules()
const roleOf = (role: object) => processesConfig(parsed({ web: role }), '/srv/shop', RULES).roles.web

describe('deploy.processes', () => {
  test('may say very little', () => {
    expect(
      processesConfig(
        parsed({
          web: { command: 'node server.mjs', listen: 8080 },
          worker: { command: ['node', 'worker.mjs'] },
        }),
        '/srv/shop',
        RULES,
      ),
    ).toEqual({
      state: '/srv/shop/.bellows',
      roles: {
        web: {
          command: ['node', 'server.mjs'],
          listen: { host: '127.0.0.1', port: 8080 },
          instances: 1,
          cwd: '/srv/shop',
          env: {},
          health: { kind: 'http', path: '/healthz', intervalMs: 1_000, timeoutMs: 2_000 },
        },
        worker: {
          command: ['node', 'worker.mjs'],
          instances: 1,
          cwd: '/srv/shop',
          env: {},
          health: { kind: 'alive', intervalMs: 1_000 },
        },
      },
      rules: { health: { success: 2, failure: 3 }, stopTimeoutMs: 30_000 },
    })
  })

  test('may say everything', () => {
    const role = {
      command: ['node', 'a b.mjs', '$HOME'],
      listen: '[::1]:9000',
      instances: 3,
      cwd: 'releases/{version}',
      env: { LEVEL: 3, DEBUG: true, NAME: 'x' },
      health: { path: '/up?deep=1', intervalMs: 500, timeoutMs: 100 },
      stopTimeoutMs: 0,
    }
    expect(roleOf(role)).toEqual({
      ...role,
      listen: { host: '::1', port: 9000 },
      cwd: '/srv/shop/releases/{version}',
      env: { LEVEL: '3', DEBUG: 'true', NAME: 'x' },
      health: { kind: 'http', path: '/up?deep=1', intervalMs: 500, timeoutMs: 100 },
    })
    expect(processesConfig(parsed({ a: { command: 'x' } }, '/var/lib/shop'), '/srv', RULES).state).toBe(
      '/var/lib/shop',
    )
  })

  test.for([
    [
      { command: 'work', health: { command: ['check', 'it'], timeoutMs: 9 } },
      { kind: 'command', command: ['check', 'it'], intervalMs: 1_000, timeoutMs: 9 },
    ],
    [
      { command: 'work', listen: 1, health: { command: 'check it' } },
      { kind: 'command', command: ['check', 'it'], intervalMs: 1_000, timeoutMs: 2_000 },
    ],
    [
      { command: 'work', health: { intervalMs: 5 } },
      { kind: 'alive', intervalMs: 5 },
    ],
  ] as const)('has its own health check: %j', ([role, health]) => {
    expect(roleOf(role)?.health).toEqual(health)
  })

  test('goes by the rules of the rollouts, a role by a stop timeout of its own', async () => {
    const processes = parsed({
      web: { command: 'x' },
      worker: { command: 'y', stopTimeoutMs: 1_800_000 },
    })
    const rollout = { stopTimeoutMs: 120_000, health: { failure: 10 } }
    expect(processesConfig(processes, '/', rolloutRules(rollout)).rules).toEqual({
      health: { success: 2, failure: 10 },
      stopTimeoutMs: 120_000,
    })
    expect(await deploymentFrom({ processes, rollout }, '/')).toMatchObject({
      roles: [
        { role: 'web', instances: 1 },
        { role: 'worker', instances: 1, stopTimeoutMs: 1_800_000 },
      ],
      rules: { stopTimeoutMs: 120_000 },
    })
  })

  test.for([
    ['no role', {}, 'name at least one role'],
    ['a role without a command', { web: {} }, 'Invalid input'],
    ['an empty command', { web: { command: ' ' } }, 'the command is empty'],
    ['no command', { web: { listen: 8080 } }, 'such as [node, server.mjs]'],
    ['an empty list', { web: { command: [] } }, 'the command is empty'],
    [
      'a line for a shell',
      { web: { command: 'cd app && node x' } },
      'no shell reads a command: write a list such as [node, server.mjs], or [sh, -c, "cd app && node x"]',
    ],
    ['quotes in a line', { web: { command: "node 'a b.mjs'" } }, 'no shell reads a command'],
    [
      'an address without a port',
      { web: { command: 'x', listen: 'localhost' } },
      '"localhost" is no address such as',
    ],
    [
      'a port that there is not',
      { web: { command: 'x', listen: '127.0.0.1:70000' } },
      'is no address such as',
    ],
    ['a path without a port', { web: { command: 'x', health: { path: '/up' } } }, 'has no port to ask'],
    ['a path that is none', { web: { command: 'x', listen: 1, health: { path: 'up now' } } }, 'Invalid'],
    ['a word that nobody knows', { web: { command: 'x', instance: 2 } }, 'Unrecognized key: "instance"'],
    ['no instance', { web: { command: 'x', instances: 0 } }, 'Too small'],
    ['a name that cannot be one', { 'a:b': { command: 'x' } }, 'Invalid'],
  ] as const)('is refused with %s', ([, roles, message]) => {
    const { error } = processesFormat.safeParse({ roles })
    expect(JSON.stringify(error?.issues)).toContain(JSON.stringify(message).slice(1, -1))
  })

  test('is a part of the config file', () => {
    expect(
      configFormat.safeParse({ deploy: { processes: { roles: { web: { command: 'x' } } } } }).success,
    ).toBe(true)
    expect(configFormat.safeParse({ deploy: { unheard: {} } }).success).toBe(false)
  })
})
