import { describe, expect, test } from 'vitest'
import { assert, BellowsError, ERROR_CODES } from '../../src/core/errors.ts'

describe('an error', () => {
  test('carries what happened, what to do and a code', () => {
    const cause = new Error('below')
    const error = new BellowsError('lock_not_had', 'No lock was had.', {
      hint: 'Try later.',
      cause,
      step: 'm/expand/1',
      sqlstate: '55P03',
      facts: { attempts: 3 },
    })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({
      name: 'BellowsError',
      code: 'lock_not_had',
      message: 'No lock was had.',
      hint: 'Try later.',
      step: 'm/expand/1',
      sqlstate: '55P03',
      facts: { attempts: 3 },
    })
    expect(error.cause).toBe(cause)
    expect(String(error)).toBe('BellowsError: No lock was had.')
  })

  test('says nothing that it does not know', () => {
    const error = new BellowsError('run_not_found', 'There is no run.')
    expect(error.hint).toBeUndefined()
    expect(error.step).toBeUndefined()
    expect(error.sqlstate).toBeUndefined()
    expect(error.cause).toBeUndefined()
    expect(error.facts).toEqual({})
  })

  test('does not type-check with a code that is not on the list', () => {
    // @ts-expect-error The codes are a closed union: each has a section in docs/errors.md.
    expect(new BellowsError('oops', 'x').code).toBe('oops')
  })
})

describe('the codes', () => {
  test('are in order, each of them once', () => {
    expect([...ERROR_CODES]).toEqual([...new Set(ERROR_CODES)].sort())
  })

  test('are words joined by underscores', () => {
    expect(ERROR_CODES.filter((code) => !/^[a-z]+(_[a-z]+)+$|^interrupted$/.test(code))).toEqual([])
  })
})

describe('an assertion', () => {
  test.each<[unknown]>([[true], [1], ['x'], [{}]])('of %j passes', (condition) => {
    expect(() => assert(condition, 'x')).not.toThrow()
  })

  test.each<[unknown]>([[false], [0], [''], [null], [undefined]])(
    'of %j is a bug in Bellows, and says so',
    (condition) => {
      expect(() => assert(condition, 'steps come after check')).toThrow(
        new Error('Bellows broke its own rule: steps come after check'),
      )
    },
  )

  test('is not an error that callers are expected to handle', () => {
    try {
      assert(false, 'x')
      expect.unreachable()
    } catch (error) {
      expect(error).not.toBeInstanceOf(BellowsError)
    }
  })
})
