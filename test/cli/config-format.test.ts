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
