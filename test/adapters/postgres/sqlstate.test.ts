import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { isServerError, toBellowsError } from '../../../src/adapters/postgres/sqlstate.ts'
import { BellowsError, type ErrorCode } from '../../../src/core/errors.ts'
import { testDatabase } from '../../support/database.ts'

/** An error as `pg` throws it for an answer of the server. */
function answer(
  code: string,
  message = 'it went wrong',
  more: Partial<pg.DatabaseError> = {},
): pg.DatabaseError {
  return Object.assign(new pg.DatabaseError(message, message.length, 'error'), {
    severity: 'ERROR',
    code,
    ...more,
  })
}

describe('an answer of the server', () => {
  test.each<[string, ErrorCode, string]>([
    ['40001', 'txn_conflict', 'could not serialize'],
    ['40P01', 'txn_conflict', 'deadlock'],
    ['55P03', 'lock_not_had', 'lock timeout'],
    ['BW001', 'driver_lost', 'our own fence'],
    ['57P01', 'connection_lost', 'the session was ended'],
    ['57P02', 'connection_lost', 'the server crashed'],
    ['57P05', 'connection_lost', 'the session was idle for too long'],
    ['25P03', 'connection_lost', 'the transaction was idle for too long'],
    ['25P04', 'connection_lost', 'the transaction took too long'],
    ['2BP01', 'dependents_found', 'something depends on it'],
    ['23505', 'statement_failed', 'a unique violation'],
    ['42P01', 'statement_failed', 'no such table'],
    ['42601', 'statement_failed', 'a syntax error'],
    ['57014', 'statement_failed', 'a statement timeout'],
    ['22001', 'statement_failed', 'a value that is too long'],
    ['P0001', 'statement_failed', 'an exception of somebody else'],
    ['XX000', 'statement_failed', 'an internal error'],
    ['', 'statement_failed', 'no state at all'],
  ])('of %s is %s: %s', (sqlstate, code) => {
    const error = answer(sqlstate)
    const found = toBellowsError(error)
    expect([found.code, found.sqlstate]).toEqual([code, sqlstate])
    expect(found.cause).toBe(error)
  })

  test.each<[string, string, ErrorCode]>([
    ['BW002', 'probe_failed', 'probe_failed'],
    ['BW002', 'drift_found', 'drift_found'],
    ['BW002', 'gate_expired', 'gate_expired'],
    ['BW003', 'instance_refused', 'instance_refused'],
    ['BW003', 'name_invalid', 'name_invalid'],
    ['BW002', 'nonsense', 'statement_failed'],
    ['BW002', '', 'statement_failed'],
    ['P0001', 'probe_failed', 'statement_failed'],
    ['BW001', 'probe_failed', 'driver_lost'],
    ['23505', 'probe_failed', 'statement_failed'],
  ])('of %s with the detail "%s" is %s', (sqlstate, detail, code) => {
    expect(toBellowsError(answer(sqlstate, 'x', { detail })).code).toBe(code)
  })

  test.each<[string, string]>([
    ['relation "a" does not exist', 'Relation "a" does not exist.'],
    ['it is so.', 'It is so.'],
    ['is it?', 'Is it?'],
    ['no!', 'No!'],
    ['  spaces  ', 'Spaces.'],
    ['"users" is gone', '"users" is gone.'],
    ['écrit', 'Écrit.'],
  ])('says %j as a sentence: %j', (message, sentence) => {
    expect(toBellowsError(answer('XX000', message)).message).toBe(sentence)
  })

  test('brings along what it says to do, and where it happened', () => {
    const found = toBellowsError(
      answer('42704', 'x', { hint: 'Try this.', where: 'PL/pgSQL function f() line 3' }),
    )
    expect(found.hint).toBe('Try this.')
    expect(found.facts).toEqual({ where: 'PL/pgSQL function f() line 3' })
  })

  test('says no more than it knows', () => {
    const found = toBellowsError(answer('42704'))
    expect(found.hint).toBeUndefined()
    expect(found.facts).toEqual({})
    expect(found.step).toBeUndefined()
  })
})

describe('without an answer of the server', () => {
  test.each<[string, unknown, string]>([
    [
      'an error of the socket',
      Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' }),
      'read ECONNRESET',
    ],
    [
      'an end without a word',
      new Error('Connection terminated unexpectedly'),
      'Connection terminated unexpectedly',
    ],
    ['an error without a state', Object.assign(new Error('x'), { severity: 'ERROR' }), 'x'],
    ['a state that is no text', Object.assign(new Error('x'), { severity: 'ERROR', code: 5 }), 'x'],
    ['a text', 'gone', 'gone'],
    ['nothing', undefined, 'undefined'],
  ])('nobody knows what was done: %s', (_what, error, message) => {
    const found = toBellowsError(error)
    expect(found.code).toBe('connection_lost')
    expect(found.message).toBe(`The connection to the database was lost: ${message}.`)
    expect(found.hint).toBe('Run the same command again: it reads what was done and goes on from there.')
    expect(found.sqlstate).toBeUndefined()
    expect(found.cause).toBe(error)
  })
})

describe('an error of ours', () => {
  test('stays what it is', () => {
    const error = new BellowsError('lock_not_had', 'x', { hint: 'y' })
    expect(toBellowsError(error)).toBe(error)
  })
})

describe('an error of the server', () => {
  test.each<[string, unknown, boolean]>([
    ['with severity and state', answer('XX000'), true],
    ['of the socket', Object.assign(new Error('x'), { code: 'ECONNRESET' }), false],
    ['that is only shaped like one', { severity: 'ERROR', code: 'XX000', message: 'x' }, false],
    ['that is nothing', undefined, false],
  ])('is known by its shape: %s', (_what, error, expected) => {
    expect(isServerError(error)).toBe(expected)
  })
})

describe('the real server', () => {
  test.each<[string, string, ErrorCode, string]>([
    ['a syntax error', 'selec 1', 'statement_failed', 'Syntax error at or near "selec".'],
    [
      'a table that is not there',
      'select from nobody',
      'statement_failed',
      'Relation "nobody" does not exist.',
    ],
    [
      'something that depends on it',
      'create view v as select a from t; alter table t drop column a',
      'dependents_found',
      'Cannot drop column a of table t because other objects depend on it.',
    ],
    [
      'a statement that takes too long',
      `set statement_timeout = '1ms'; select pg_sleep(5)`,
      'statement_failed',
      'Canceling statement due to statement timeout.',
    ],
    [
      'a requirement of ours',
      `do $$ begin raise exception 'it is gone' using errcode = 'BW002', detail = 'drift_found'; end $$`,
      'drift_found',
      'It is gone.',
    ],
    [
      'a session that was ended',
      'select pg_terminate_backend(pg_backend_pid())',
      'connection_lost',
      'Terminating connection due to administrator command.',
    ],
  ])('says %s', async (_what, text, code, message) => {
    const { query } = await testDatabase('create table t (a integer)')
    const error = await query(text).then(() => undefined, toBellowsError)
    expect([error?.code, error?.message]).toEqual([code, message])
  })

  test('says that a lock was not had', async () => {
    const database = await testDatabase('create table t (a integer)')
    const holder = await database.session()
    await holder.query('begin; lock table t')
    const error = await database
      .query(`set lock_timeout = '10ms'; select from t`)
      .then(() => undefined, toBellowsError)
    expect(error?.code).toBe('lock_not_had')
  })
})
