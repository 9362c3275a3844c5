import { describe, expect, test } from 'vitest'
import type { Baseline } from '../../../src/core/history/baseline.ts'
import { begunNames, checkFiles, latecomers, type SeenFile } from '../../../src/core/history/files.ts'
import { standing } from './runs.ts'

const baseline = (files: Record<string, string>, lastRun = 0): Baseline => ({
  at: '2026-01-01T00:00:00Z',
  role: 'me',
  files,
  lastRun,
})

const run = standing('0002_b', 'completed', 7)
const SAME = run.plan.migration
const seen = (name: string, content?: SeenFile['content'], checksum = 'sum'): SeenFile => ({
  name,
  checksum,
  ...(content === undefined ? {} : { content }),
})

describe('the files against the history', () => {
  test('agree when each holds what its run began with, in whatever order its fields are', () => {
    const { operations, name } = SAME
    const history = { baseline: baseline({ '0001_a': 'sum' }), runs: [run] }
    const files = [seen('0001_a'), seen('0002_b', { operations, name }), seen('0003_c')]
    expect(checkFiles(files, history)).toEqual([])
  })

  test('differ by a file that was changed after its run began, also while that is under way', () => {
    const other = { ...SAME, operations: [{ ...SAME.operations[0], table: 'people' }] } as typeof SAME
    for (const state of ['expanding', 'completed'] as const) {
      const history = { baseline: undefined, runs: [standing('0002_b', state)] }
      expect(checkFiles([seen('0002_b', other)], history)).toEqual([
        { migration: '0002_b', kind: 'changed', because: 'its file was changed after its run began' },
      ])
    }
  })

  test('say nothing of the file of a run that was rolled back: it may be changed', () => {
    const other = { ...SAME, operations: [] }
    const history = { baseline: undefined, runs: [standing('0002_b', 'rolled_back')] }
    expect(checkFiles([seen('0002_b', other)], history)).toEqual([])
    expect(checkFiles([], history)).toEqual([])
  })

  test('differ by a file of a run that cannot be read any more', () => {
    expect(
      checkFiles([seen('0002_b', { problem: 'no colon' })], { baseline: undefined, runs: [run] }),
    ).toEqual([{ migration: '0002_b', kind: 'unreadable', because: 'no colon' }])
  })

  test('differ by a file of the baseline whose text is another one; what it holds does not matter', () => {
    const history = { baseline: baseline({ '0001_a': 'sum' }), runs: [] }
    expect(checkFiles([seen('0001_a', undefined, 'other')], history)).toMatchObject([
      { migration: '0001_a', kind: 'changed', because: 'its file was changed after the baseline' },
    ])
  })

  test('differ by what the history knows and the folder does not have', () => {
    const history = { baseline: baseline({ '0001_a': 'sum' }), runs: [run] }
    expect(checkFiles([], history).map(({ migration, kind }) => [migration, kind])).toEqual([
      ['0001_a', 'missing'],
      ['0002_b', 'missing'],
    ])
  })

  test('may have lost what ran before the baseline', () => {
    expect(checkFiles([], { baseline: baseline({}, 7), runs: [run] })).toEqual([])
    expect(checkFiles([], { baseline: baseline({}, 6), runs: [run] })).toMatchObject([{ kind: 'missing' }])
  })

  test('a name that every object has is no file of the baseline', () => {
    expect(checkFiles([seen('toString')], { baseline: baseline({}), runs: [] })).toEqual([])
  })
})

describe('a pending migration that sorts before one that was begun', () => {
  const history = { baseline: baseline({ '0001_a': 'sum' }), runs: [run] }

  test('is named with the last one that was, and is no fault', () => {
    const files = [seen('0001_a'), seen('0001_late'), seen('0002_b', SAME), seen('0003_c')]
    expect(checkFiles(files, history)).toEqual([
      { migration: '0001_late', kind: 'next', because: expect.stringContaining('sorts before "0002_b"') },
    ])
  })

  test('is none where nothing was begun, or only files that are gone were', () => {
    expect(latecomers(['0001_a', '0002_b'], { baseline: undefined, runs: [] })).toEqual([])
    expect(latecomers(['0001_late'], history)).toEqual([])
  })

  test('does not count a run that was rolled back as begun', () => {
    const runs = [standing('0002_b', 'rolled_back')]
    expect(latecomers(['0001_a', '0002_b'], { baseline: undefined, runs })).toEqual([])
    expect(begunNames({ baseline: undefined, runs })).toEqual(new Set())
  })
})
