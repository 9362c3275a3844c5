import { describe, expect, test } from 'vitest'
import type { ProcessRole } from '../../../src/core/processes/config.ts'
import { launchOf } from '../../../src/core/processes/launch.ts'

const ROLE: ProcessRole = {
  command: ['node', 'server.mjs', '--port={port}', '{"a":{slot}}', '{other}'],
  instances: 2,
  cwd: '/srv/releases/{version}',
  env: { NAME: '{instance} {slot}', PORT: '1', BELLOWS_ROLE: 'mine' },
  health: { kind: 'alive', intervalMs: 1_000 },
  stopTimeoutMs: 1_000,
}
const PLACEMENT = { id: 'web-2-r7-1', role: 'web', slot: 2, version: '7f3a$&' }

describe('what is run for an instance', () => {
  test('has its names and its port filled in, and leaves other braces alone', () => {
    expect(launchOf(ROLE, PLACEMENT, 20_123)).toEqual({
      command: ['node', 'server.mjs', '--port=20123', '{"a":2}', '{other}'],
      cwd: '/srv/releases/7f3a$&',
      env: {
        NAME: 'web-2-r7-1 2',
        PORT: '20123',
        BELLOWS_INSTANCE: 'web-2-r7-1',
        BELLOWS_ROLE: 'web',
        BELLOWS_SLOT: '2',
        BELLOWS_VERSION: '7f3a$&',
      },
    })
  })

  test('of a role without a port is not given one', () => {
    const { command, env } = launchOf({ ...ROLE, env: {} }, PLACEMENT, undefined)
    expect(command).toContain('--port={port}')
    expect(env).not.toHaveProperty('PORT')
  })
})
