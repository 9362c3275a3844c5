import { expect, test } from 'vitest'
import { isNeverNull } from '../../../src/core/plan/never-null.ts'

test.each<[string, boolean]>([
  ['0', true],
  [`'none'::text`, true],
  ['coalesce(name, 0)', true],
  ['coalesce(coalesce(name, 0), other)', true],
  ['null', false],
  ['null::text', false],
  ['name', false],
  ['coalesce(name, other)', false],
  ['coalesce(nullif(name, 0), null)', false],
  ['lower(name)', false],
  ['nullif(1, 1)', false],
  ['not an expression', false],
])('%s is never NULL: %s', (expression, expected) => {
  expect(isNeverNull(expression)).toBe(expected)
})

test.each<[string, boolean]>([
  ['name', true],
  ['name::text', true],
  ['coalesce(nick, name)', true],
  ['nick', false],
  ['lower(name)', false],
  ['users.name', false],
])('%s is never NULL where "name" is NOT NULL: %s', (expression, expected) => {
  expect(isNeverNull(expression, ['name'])).toBe(expected)
})
