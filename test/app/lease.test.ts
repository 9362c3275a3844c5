import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { holdLease, type Lease } from '../../src/app/lease.ts'
import type { Standing } from '../../src/app/readiness.ts'
import type { Registry } from '../../src/app/registry.ts'

/** What is bounded here is bounded in tens of seconds: time is ours, and no database is asked. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const LEASE_MS = 30_000
const WAITING: Standing = { kind: 'waiting', because: 'the database has not answered yet' }
const refusal = (text: string) => Object.assign(new Error(text), { code: 'BW003' })
const hangs = () => new Promise<never>(() => undefined)

type Call = 'register' | 'renew' | 'release'

/** A registry of which each call is answered as the test says at the time. */
function registryThat(answers: Partial<Record<Call, () => Promise<readonly string[]>>>) {
  const calls: Call[] = []
  let isStillHere = () => true
  const answered = (call: Call) => () => {
    calls.push(call)
    return (answers[call] ?? (async () => []))()
  }
  const registry: Registry = {
    instance: 'a',
    register: answered('register'),
    renew: (stillHere) => {
      isStillHere = stillHere
      return answered('renew')()
    },
    release: async () => void (await answered('release')()),
  }
  return { registry, answers, calls, isStillHere: () => isStillHere() }
}

function held(registry: Registry, start?: Standing) {
  const stale: string[] = []
  const retired: string[] = []
  const lease: Lease = holdLease(
    registry,
    start ?? { kind: 'registered', renewedAtMs: performance.now(), notReady: [] },
    {
      leaseMs: LEASE_MS,
      onStale: (because) => stale.push(because),
      onRetired: (because) => retired.push(because),
    },
  )
  return { lease, stale, retired }
}

const pass = (seconds: number) => vi.advanceTimersByTimeAsync(seconds * 1_000)

describe('the owner is told that the lease is about to end', () => {
  test('two thirds of it after the last renewal that was answered, also when the next ones hang', async () => {
    const { registry, answers } = registryThat({})
    const { stale } = held(registry)
    await pass(15)
    answers.renew = hangs
    await pass(14.9)
    expect(stale, '19.9 s after the renewal').toEqual([])
    await pass(0.2)
    expect(stale).toEqual(['the database does not answer'])
    await pass(300)
    expect(stale, 'only once').toHaveLength(1)
  })

  test('with what the last renewal failed of', async () => {
    const { registry } = registryThat({ renew: () => Promise.reject(new Error('connection terminated')) })
    const { stale } = held(registry)
    await pass(20)
    expect(stale).toEqual(['connection terminated'])
  })

  test('counted from when the renewal was sent, not from its answer', async () => {
    const { registry, answers } = registryThat({})
    answers.renew = async () => {
      answers.renew = hangs
      await new Promise((resolve) => setTimeout(resolve, 9_000))
      return []
    }
    const { stale } = held(registry)
    await pass(29.9)
    expect(stale).toEqual([])
    await pass(0.2)
    expect(stale).toHaveLength(1)
  })

  test('again when it was renewed in between', async () => {
    const { registry, answers } = registryThat({ renew: hangs })
    const { stale } = held(registry)
    await pass(25)
    answers.renew = async () => []
    await pass(5)
    answers.renew = hangs
    await pass(30)
    expect(stale).toHaveLength(2)
  })

  test('never while it is renewed, retired or released', async () => {
    const renewed = held(registryThat({}).registry)
    const gone = held(registryThat({ renew: () => Promise.reject(refusal('gone')) }).registry)
    const left = held(registryThat({}).registry)
    await left.lease.release()
    await pass(300)
    expect([...renewed.stale, ...gone.stale, ...left.stale]).toEqual([])
    expect(gone.retired).toEqual(['gone'])
  })
})

describe('an instance that waits to be let in', () => {
  test('asks three times a lease, and renews from then on', async () => {
    const { registry, answers, calls } = registryThat({
      register: () => Promise.reject(refusal('users.full_name does not exist')),
    })
    const { lease, retired } = held(registry, WAITING)
    await lease.begun()
    expect(lease.standing()).toEqual({ kind: 'waiting', because: 'users.full_name does not exist' })
    await pass(10)
    answers.register = async () => ['users.full_name']
    await pass(10)
    expect(lease.standing()).toMatchObject({ kind: 'registered', notReady: ['users.full_name'] })
    await pass(10)
    expect(lease.standing()).toMatchObject({ kind: 'registered', notReady: [] })
    expect(calls).toEqual(['register', 'register', 'register', 'renew'])
    expect(retired).toEqual([])
  })

  test('does not wait for its first answer for longer than until the next call', async () => {
    const { registry, calls } = registryThat({ register: hangs })
    const { lease } = held(registry, WAITING)
    const begun = vi.fn()
    void lease.begun().then(begun)
    await pass(9.9)
    expect(begun).not.toHaveBeenCalled()
    await pass(0.2)
    expect(begun).toHaveBeenCalledOnce()
    expect(calls).toEqual(['register', 'register'])
    expect(lease.standing()).toEqual(WAITING)
  })

  test('is told nothing of a lease that it does not have', async () => {
    const { stale, retired } = held(registryThat({ register: hangs }).registry, WAITING)
    await pass(300)
    expect([...stale, ...retired]).toEqual([])
  })
})

test('calls that hang are not piled up, and go on when one has come to its end', async () => {
  const ends: (() => void)[] = []
  const { registry, calls } = registryThat({
    renew: () => new Promise((resolve) => ends.push(() => resolve([]))),
  })
  held(registry)
  await pass(3_600)
  expect(calls).toHaveLength(10)
  ends[0]?.()
  await pass(10)
  expect(calls).toHaveLength(11)
})

test('an instance that was refused asks no more, so that it cannot come in again while it drains', async () => {
  const { registry, calls } = registryThat({ renew: () => Promise.reject(refusal('users.name is retired')) })
  const { lease, retired } = held(registry)
  await pass(300)
  expect(calls).toEqual(['renew'])
  expect(retired).toEqual(['users.name is retired'])
  expect(lease.standing()).toEqual({ kind: 'retired', because: 'users.name is retired' })
})

describe('a release', () => {
  test('waits for a renewal that is on its way', async () => {
    const { registry, calls } = registryThat({
      renew: () => new Promise((resolve) => setTimeout(resolve, 2_000, [])),
    })
    const { lease } = held(registry)
    await pass(10.5)
    const released = lease.release()
    await pass(1)
    expect(calls).toEqual(['renew'])
    await pass(1)
    await released
    expect(calls).toEqual(['renew', 'release'])
    expect(lease.standing()).toEqual({ kind: 'released' })
  })

  test('waits for one that hangs 5 s at most', async () => {
    const { registry, calls } = registryThat({ renew: hangs })
    const { lease } = held(registry)
    await pass(15)
    const released = lease.release()
    await pass(4.9)
    expect(calls).toEqual(['renew'])
    await pass(0.2)
    await released
    expect(calls).toEqual(['renew', 'release'])
  })

  test('says what to do when it is not answered itself', async () => {
    const { registry } = registryThat({ renew: hangs, release: hangs })
    const { lease } = held(registry)
    await pass(15)
    const released = expect(lease.release()).rejects.toThrow(
      'did not answer within 5 s: the instance "a" may still be registered. When it is surely gone: bellows instances release a',
    )
    await pass(10.1)
    await released
  })

  test('fails as its call fails', async () => {
    const { registry } = registryThat({ release: () => Promise.reject(new Error('pool has ended')) })
    await expect(held(registry).lease.release()).rejects.toThrow('pool has ended')
  })

  test('ends the renewing, and lets none that hangs register again behind it', async () => {
    const { registry, calls, isStillHere } = registryThat({ renew: hangs })
    const { lease } = held(registry)
    await pass(10)
    expect(isStillHere()).toBe(true)
    const released = lease.release()
    expect(isStillHere()).toBe(false)
    await pass(60)
    await released
    expect(calls).toEqual(['renew', 'release'])
  })
})
