import { expect, test } from 'vitest'
import { unsafe } from '../../../src/core/statements/lint.ts'
import { readStatements } from '../../../src/core/statements/statement.ts'

const read = (text: string) => {
  const found = readStatements(text)
  return 'problem' in found ? [] : found
}

test.each([
  ['create table a (id int)', 'drop table a', []],
  ['create table a (id int)', 'drop table public.a', []],
  ['create foreign table a (id int) server s', 'drop foreign table a', []],
  ['create table a (id int)', 'alter table a drop column id', []],
  ['alter table users add age int', 'alter table users drop age', []],
  ['create table a (id int)', 'drop table b', ['drops_table']],
  ['create table a (id int)', 'drop table other.a', ['drops_table']],
  ['create table a (id int)', 'drop table a, b', ['drops_table']],
  ['create table if not exists a (id int)', 'drop table a', ['drops_table']],
  ['alter table users add age int', 'drop table users', ['drops_table']],
  ['alter table users add age int', 'alter table users drop name', ['drops_column']],
  ['alter table users add if not exists age int', 'alter table users drop age', ['drops_column']],
  ['alter table users add age int', 'alter table a drop age', ['drops_column']],
])('what %s makes %s may take back, and nothing else without a reason', (up, down, codes) => {
  const setting = {
    statements: read(down),
    takesBack: read(up),
    namespace: 'public',
    part: 'down',
    outside: false,
  } as const
  expect(unsafe(setting).map(({ rule }) => rule.code)).toEqual(codes)
})
