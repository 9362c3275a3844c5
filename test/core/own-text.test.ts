import { expect, test } from 'vitest'
import { isOwnText } from '../../src/core/own-text.ts'
import { validateChecksSql } from '../../src/core/plan/validate.ts'
import { OWN_READ } from '../../src/core/sql.ts'

test.each([
  'select name from users where bellows.is_open()',
  'update bellows.checkpoint set rows_done = $1',
  'with w as (select id from users) insert into bellows.old_writes_1 select from w',
  `${OWN_READ}$1) as rows from (select name from users) r`,
  ...validateChecksSql({ namespace: 'public', name: 'users' }, ['c']).slice(-1),
])('%s is of Bellows', (text) => {
  expect(isOwnText(text)).toBe(true)
})

test.each([
  'select name from users /* bellows.register */',
  'select name from users /* bellows */',
  "select name from users where note = 'bellows.register'",
  '-- bellows.register\nselect name from users',
  "do 'begin /* bellows.x */ perform name from users; end'",
  'select name from users where bellows.',
  'select name from bellows',
])('%s is of somebody else', (text) => {
  expect(isOwnText(text)).toBe(false)
})
