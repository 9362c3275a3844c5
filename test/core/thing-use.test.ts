import { describe, expect, test } from 'vitest'
import type { Shows } from '../../src/core/plan/thing.ts'
import { nameInUse, usesOf } from '../../src/core/thing-use.ts'

const useOf = (text: string, of: Parameters<typeof usesOf>[0]) => usesOf(of)(text)

const table = { namespace: 'public', name: 'users' }
const shownBy = (...shows: readonly Shows[]) => ({
  table,
  thing: { called: 'it', reach: 'table', shows } as const,
})
const KEY: Shows = { by: 'conflict', table, constraint: 'users_email', columns: ['email', 'team'] }
const NAME: Shows = { by: 'conflict', table, constraint: 'users_email' }
const ROUTINE: Shows = { by: 'routine', name: { namespace: 'public', name: 'area' } }
const TYPE: Shows = { by: 'type', name: { namespace: 'public', name: 'mood' } }
const VIEW: Shows = { by: 'relation', name: { namespace: 'public', name: 'loud' } }
const insert = (conflict: string, into = 'users') => `insert into ${into} values ($1) on conflict ${conflict}`

describe('the use of what no instance declares', () => {
  test.each<[Shows, string, ReturnType<typeof useOf>]>([
    [KEY, insert('(team, email) do nothing'), 'definite'],
    [KEY, insert('(email) do nothing'), 'possible'],
    [KEY, insert('(lower(email), team) do nothing'), 'possible'],
    [KEY, insert('(id) do nothing'), 'none'],
    [KEY, insert('on constraint users_email do nothing'), 'definite'],
    [KEY, insert('on constraint users_pkey do nothing'), 'none'],
    [KEY, insert('do nothing'), 'none'],
    [KEY, insert('(email, team) do nothing', 'users_of_old'), 'none'],
    [KEY, insert('(email, team) do nothing', 'sales.users'), 'none'],
    [KEY, `with i as (${insert('(email, team) do nothing')}) select`, 'definite'],
    [KEY, 'set constraints users_email deferred /* users */', 'definite'],
    [KEY, 'select email from users', 'none'],
    [KEY, 'insert into users values ($1) on conf', 'possible'],
    [NAME, insert('(email, team) do nothing'), 'none'],
    [NAME, insert('on constraint users_email do nothing'), 'definite'],
    [ROUTINE, 'select area($1)', 'definite'],
    [ROUTINE, 'select public.area($1)', 'definite'],
    [ROUTINE, 'call area($1)', 'definite'],
    [ROUTINE, 'select other.area($1)', 'none'],
    [ROUTINE, 'select area from rooms', 'none'],
    [ROUTINE, "do 'begin perform area(1); end'", 'possible'],
    [TYPE, 'select $1::mood', 'definite'],
    [TYPE, 'select $1::other.mood', 'none'],
    [TYPE, 'select mood from users', 'none'],
    [VIEW, 'select * from loud', 'definite'],
    [VIEW, 'select loud from users', 'none'],
    [{ by: 'scans', index: table }, 'select * from users', 'none'],
  ])('%j in %s is %s', (shows, text, use) => {
    expect(useOf(text, shownBy(shows))).toBe(use)
  })

  test('is also that of a partition, of a column', () => {
    const of = { table, column: 'email', parts: [{ namespace: 'old', name: 'Of 2020' }] }
    expect(useOf('select email from old."Of 2020"', of)).toBe('definite')
    expect(useOf('select * from old."Of 2020"', of)).toBe('possible')
    expect(useOf('select email from teams, users join old."Of 2020" using (id)', of)).toBe('possible')
    expect(useOf('select id from old."Of 2020"', of)).toBe('none')
    expect(useOf('select email from old."Of 2021"', of)).toBe('none')
    expect(useOf('select email from other."Of 2020"', of)).toBe('none')
  })

  test('of a partition is told by its name as a word', () => {
    const of = {
      table,
      column: 'email',
      parts: ['p1', 'P2', 'of-3'].map((name) => ({ namespace: 'public', name })),
    }
    expect(useOf('select email from p1', of)).toBe('definite')
    expect(useOf('select email from "P2"', of)).toBe('definite')
    expect(useOf('select email from "of-3"', of)).toBe('definite')
    expect(useOf('select email from p12', of)).toBe('none')
    expect(useOf('select email from p1 where id in (', of)).toBe('possible')
    expect(useOf('select email from p12 where id in (', of), 'cut short').toBe('none')
  })

  test('is sought by a name that every such statement has in it', () => {
    expect(nameInUse(shownBy({ by: 'scans', index: table }, KEY))).toBe('users')
    expect(nameInUse(shownBy(ROUTINE))).toBe('area')
    expect(nameInUse(shownBy({ by: 'scans', index: table }))).toBeUndefined()
    expect(nameInUse({ table, thing: { called: 'it', reach: 'all' } })).toBeUndefined()
    expect(nameInUse({ table, column: 'email' })).toBe('users')
  })
})
