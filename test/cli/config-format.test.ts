import { expect, test } from 'vitest'
import { configFormat } from '../../src/cli/config-format.ts'

test.each<[object, boolean]>([
  [{ whenNoneRegistered: 'allow', reason: 'no client of ours is in Node.js' }, true],
  [{ whenNoneRegistered: 'refuse' }, true],
  [{ whenNoneRegistered: 'allow' }, false],
  [{ whenNoneRegistered: 'allow', reason: ' ' }, false],
])('a gate that opens where nobody registered needs a reason: %j', (gate, isFine) => {
  const parsed = configFormat.safeParse({ settings: { gate } })
  expect(parsed.success).toBe(isFine)
  if (!isFine)
    expect(parsed.error?.issues).toMatchObject([
      { path: ['settings', 'gate', 'reason'], message: 'say why, for whoever reads the audit' },
    ])
})

test.each<[object, boolean]>([
  [{ replayLagMs: 3_000, activeBackends: 'off', vacuum: 'pause', deadPercent: 30 }, true],
  [
    {
      checks: [
        { name: 'apdex', http: 'https://example.com/' },
        { name: 'calm', sql: 'select true' },
      ],
    },
    true,
  ],
  [{ replayLagMs: 0 }, false],
  [{ vacuum: 'on' }, false],
  [{ deadPercent: 101 }, false],
  [{ blindMs: 'off' }, false],
  [{ replayLag: 3_000 }, false],
  [{ diskBytes: 500 * 1024 ** 3, diskReserveBytes: 'off' }, true],
  [{ diskBytes: '500GB' }, false],
])('the brake has limits that can be switched off: %j', (brake, isFine) => {
  expect(configFormat.safeParse({ settings: { brake } }).success).toBe(isFine)
})
