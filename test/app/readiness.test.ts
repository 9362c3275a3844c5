import { describe, expect, test } from 'vitest'
import { accepted, type Failure, failed, readinessOf, type Standing } from '../../src/app/readiness.ts'

const LEASE_MS = 30_000
const registered = (more: object = {}): Standing => ({
  kind: 'registered',
  renewedAtMs: 1_000,
  notReady: [],
  ...more,
})
const waiting: Standing = { kind: 'waiting', because: 'users.full_name does not exist' }
const retired: Standing = { kind: 'retired', because: 'users.name is retired' }
const released: Standing = { kind: 'released' }

describe('an instance is ready', () => {
  test.each([
    ['just registered', 1_000],
    ['for a whole lease after the last answer', 1_000 + LEASE_MS],
  ])('%s', (_when, nowMs) => {
    expect(readinessOf(registered(), LEASE_MS, nowMs)).toEqual({ ready: true, because: [] })
  })

  test('also while renewals fail, as long as the lease holds', () => {
    const hiccup = registered({ failure: 'connection terminated' })
    expect(readinessOf(hiccup, LEASE_MS, 25_000)).toEqual({ ready: true, because: [] })
  })
})

describe('an instance is not ready, and says why,', () => {
  test.each<[string, Standing, number, string[]]>([
    ['before it is let in', waiting, 0, ['not registered yet: users.full_name does not exist']],
    [
      'as long as its columns are filled',
      registered({ notReady: ['users.full_name', 'users.mail'] }),
      1_000,
      ['users.full_name is not filled and verified yet', 'users.mail is not filled and verified yet'],
    ],
    ['once its column is gone', retired, 0, ['users.name is retired']],
    ['once it is released', released, 0, ['this instance was released']],
    [
      'when the database has not answered for more than a lease',
      registered(),
      1_001 + LEASE_MS,
      ['the lease could not be renewed for 30 s: the database does not answer'],
    ],
    [
      'when renewals have failed for more than a lease',
      registered({ failure: 'connection terminated' }),
      62_500,
      ['the lease could not be renewed for 61 s: connection terminated'],
    ],
    [
      'of everything that stands against it at once',
      registered({ notReady: ['users.mail'] }),
      62_500,
      [
        'users.mail is not filled and verified yet',
        'the lease could not be renewed for 61 s: the database does not answer',
      ],
    ],
  ])('%s', (_when, standing, nowMs, because) => {
    expect(readinessOf(standing, LEASE_MS, nowMs)).toEqual({ ready: false, because })
  })
})

describe('an answer', () => {
  test('lets in who was waiting', () => {
    expect(accepted(waiting, 5_000, ['users.full_name'])).toEqual(
      registered({ renewedAtMs: 5_000, notReady: ['users.full_name'] }),
    )
  })

  test('says anew what is not ready, and forgets what failed before', () => {
    const before = registered({ notReady: ['users.full_name'], failure: 'connection terminated' })
    expect(accepted(before, 5_000, [])).toEqual(registered({ renewedAtMs: 5_000 }))
  })

  test('says nothing when a younger one has come before it', () => {
    const now = registered({ renewedAtMs: 5_000 })
    expect(accepted(now, 4_999, ['users.full_name'])).toBe(now)
  })

  test.each([retired, released])('brings nobody back: $kind', (over) => {
    expect(accepted(over, 5_000, [])).toBe(over)
  })
})

describe('a call that failed', () => {
  const no: Failure = { because: 'no', isRefusal: true, askedAs: 'registered' }

  test.each([true, false])('says what is waited for (refused: %s)', (isRefusal) => {
    const asked = { because: 'still not', isRefusal, askedAs: 'waiting' } as const
    expect(failed(waiting, asked)).toEqual({ kind: 'waiting', because: 'still not' })
  })

  test('ends what was registered when it is refused', () => {
    expect(failed(registered(), no)).toEqual({ kind: 'retired', because: 'no' })
  })

  test('is remembered, and the lease runs on, when nobody has said no', () => {
    expect(failed(registered(), { ...no, isRefusal: false })).toEqual(registered({ failure: 'no' }))
  })

  test('ends nothing when it was sent before the instance was let in', () => {
    expect(failed(registered(), { ...no, askedAs: 'waiting' })).toEqual(registered())
  })

  test.each([retired, released])('changes nothing when it is over: $kind', (over) => {
    expect(failed(over, no)).toBe(over)
  })
})
