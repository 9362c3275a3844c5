import { describe, expect, test } from 'vitest'
import { brownoutSql, counterSql, countSql } from '../../../src/core/plan/counter.ts'

describe('what counts', () => {
  test('is kept out of the log where that is said', () => {
    const made = (...unlogged: Parameters<typeof counterSql>[1] & object) =>
      counterSql('c', unlogged).map((one) => one.replace(/ bellows.*/, ''))
    expect(made()).toEqual(['create sequence', 'create table', 'create index on'])
    expect(made('table')).toEqual(['create sequence', 'create unlogged table', 'create index on'])
    expect(made('sequence', 'table')).toEqual([
      'create unlogged sequence',
      'create unlogged table',
      'create index on',
    ])
  })
})

describe('the text', () => {
  test('that asks how many there were knows none where nothing counts', () => {
    expect(countSql('old_writes_1')).toBe(
      `coalesce(pg_catalog.pg_sequence_last_value(pg_catalog.to_regclass('bellows."old_writes_1_number"')), 0)`,
    )
  })

  test('that begins a trial replaces an earlier one, and that ends one keeps its begin', () => {
    expect(brownoutSql('old_writes_1', 1500)).toContain('make_interval(secs => 1.5)')
    expect(brownoutSql('old_writes_1', 1500)).toMatch(
      /until = excluded\.until, began = excluded\.began, writes = excluded\.writes$/,
    )
    expect(brownoutSql('old_writes_1', 0)).toMatch(/do update set until = excluded\.until$/)
  })
})
