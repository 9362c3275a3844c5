import { describe, expect, test } from 'vitest'
import { conflictsWith, lockMode, lockWords } from '../../../src/core/plan/locks.ts'
import { LOCK_LEVELS, type LockLevel } from '../../../src/core/plan/step.ts'
import { testDatabase } from '../../support/database.ts'

const PAIRS: readonly (readonly [LockLevel, LockLevel])[] = LOCK_LEVELS.flatMap((held) =>
  LOCK_LEVELS.map((wanted) => [held, wanted] as const),
)

describe('the table of conflicts', () => {
  test.each(PAIRS)('says the same of %s and %s either way round', (a, b) => {
    expect(conflictsWith(a).includes(b)).toBe(conflictsWith(b).includes(a))
  })

  test.each<[LockLevel, number]>([
    ['access_share', 1],
    ['row_share', 2],
    ['row_exclusive', 4],
    ['share_update_exclusive', 5],
    ['share', 5],
    ['share_row_exclusive', 6],
    ['exclusive', 7],
    ['access_exclusive', 8],
  ])('gives %s %i levels to conflict with, weakest first', (level, count) => {
    const conflicts = conflictsWith(level)
    expect(conflicts).toHaveLength(count)
    expect(conflicts).toEqual(LOCK_LEVELS.filter((other) => conflicts.includes(other)))
  })

  test.each(LOCK_LEVELS.slice(1).map((level, at) => [level, LOCK_LEVELS[at] as LockLevel] as const))(
    'lets %s conflict with as much as %s does, or more',
    (stronger, weaker) => {
      const lost = conflictsWith(weaker).filter((level) => !conflictsWith(stronger).includes(level))
      // SHARE is the exception: it lets itself in, which SHARE UPDATE EXCLUSIVE does not.
      expect(lost).toEqual(stronger === 'share' ? ['share'] : [])
    },
  )

  test('is that of the server: what two sessions may hold together, and what they may not', async () => {
    const database = await testDatabase('create table t (a integer)')
    const [holder, taker] = [await database.session(), await database.session()]
    const found: string[] = []
    const expected: string[] = []
    for (const held of LOCK_LEVELS) {
      await holder.query(`begin; lock table t in ${lockWords(held)} mode`)
      for (const wanted of LOCK_LEVELS) {
        const outcome = await taker.query(`begin; lock table t in ${lockWords(wanted)} mode nowait`).then(
          () => 'goes',
          (error: { code: string }) => (error.code === '55P03' ? 'waits' : error.code),
        )
        await taker.query('rollback')
        found.push(`${held} held: ${wanted} ${outcome}`)
        expected.push(`${held} held: ${wanted} ${conflictsWith(held).includes(wanted) ? 'waits' : 'goes'}`)
      }
      await holder.query('rollback')
    }
    expect(found).toEqual(expected)
  })
})

describe('the words for a lock', () => {
  test.each<[LockLevel, string, string]>([
    ['access_share', 'access share', 'AccessShareLock'],
    ['row_share', 'row share', 'RowShareLock'],
    ['row_exclusive', 'row exclusive', 'RowExclusiveLock'],
    ['share_update_exclusive', 'share update exclusive', 'ShareUpdateExclusiveLock'],
    ['share', 'share', 'ShareLock'],
    ['share_row_exclusive', 'share row exclusive', 'ShareRowExclusiveLock'],
    ['exclusive', 'exclusive', 'ExclusiveLock'],
    ['access_exclusive', 'access exclusive', 'AccessExclusiveLock'],
  ])('of %s are "%s" in a statement and "%s" in pg_locks', (level, words, mode) => {
    expect(lockWords(level)).toBe(words)
    expect(lockMode(level)).toBe(mode)
  })

  test('are those that the server uses for what it was asked for', async () => {
    const database = await testDatabase('create table t (a integer)')
    const session = await database.session()
    for (const level of LOCK_LEVELS) {
      await session.query(`begin; lock table t in ${lockWords(level)} mode`)
      const { rows } = await session.query<{ mode: string }>(
        `select mode from pg_locks where relation = 't'::regclass and pid = pg_backend_pid()`,
      )
      await session.query('rollback')
      expect(rows.map(({ mode }) => mode)).toEqual([lockMode(level)])
    }
  })
})
