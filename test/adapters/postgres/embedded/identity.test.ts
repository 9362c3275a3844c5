import { describe, expect, test } from 'vitest'
import {
  parseUsers,
  serverIdentity,
  spawnIdentity,
} from '../../../../src/adapters/postgres/embedded/identity.ts'
import { asRoot, useGround } from '../../../support/fixtures/embedded.ts'

const ground = useGround()

describe('the user that root starts the server as', () => {
  test.each([
    ['Linux', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n', 65534, 65534],
    ['Fedora', 'nobody:x:65534:65534:Kernel Overflow User:/:/sbin/nologin\n', 65534, 65534],
    [
      'macOS',
      '##\n# User Database\n##\nnobody:*:-2:-2:Unprivileged User:/var/empty:/usr/bin/false\n',
      -2,
      -2,
    ],
    [
      'a macOS that writes it unsigned',
      'nobody:*:4294967294:4294967294::/var/empty:/usr/bin/false\n',
      -2,
      -2,
    ],
    ['a system with a group of its own for it', 'nobody:x:99:98::/:/sbin/nologin', 99, 98],
  ])('is found in the user file of %s', (_system, passwd, uid, gid) => {
    const nobody = parseUsers(passwd).get('nobody')
    expect(spawnIdentity(nobody)).toEqual({ uid, gid })
    expect(nobody).toEqual({ uid: uid >>> 0, gid: gid >>> 0 })
  })

  test.each(['', 'not a user file', 'nobody', 'nobody:x::'])('is not found in "%s"', (passwd) => {
    expect(parseUsers(passwd).get('nobody')).toBeUndefined()
  })

  test('is given to nobody who is not root', () => {
    expect(spawnIdentity(undefined)).toEqual({})
    if (!asRoot) expect(serverIdentity(undefined)).toBeUndefined()
  })

  test.runIf(asRoot)("is nobody where the data folder is not there yet or is root's", () => {
    const nobody = serverIdentity(undefined)
    expect(nobody?.uid).toBeGreaterThan(0)
    expect(serverIdentity(`${ground()}/not-yet`)).toEqual(nobody)
    expect(serverIdentity(ground())).toEqual(nobody)
  })
})
