import { describe, expect, test } from 'vitest'
import { duration, grouped } from '../../../src/cli/render/figures.ts'
import { besideProgress, progressView } from '../../../src/cli/render/progress.ts'
import type { Terminal } from '../../../src/cli/terminal.ts'
import type { Notice, Progress } from '../../../src/core/run/event.ts'

/** A terminal that keeps what is written to it, and a clock that is set by hand. */
function watching(isLive: boolean) {
  const written: string[] = []
  let now = 0
  const terminal: Terminal = {
    isLive,
    out: () => {
      throw new Error('progress is not for scripts')
    },
    err: (text) => written.push(text),
    style: (_format, text) => text,
  }
  return {
    view: progressView(terminal, () => now),
    terminal,
    written,
    wait: (ms: number) => {
      now += ms
    },
  }
}

const progress = (more: Partial<Progress> = {}): Progress => ({
  type: 'progress',
  step: 'm/backfill/1',
  rowsDone: 250,
  rowsTotal: 1000,
  rowsPerSecond: 50,
  ...more,
})
const bar = (full: number) => '█'.repeat(full) + '░'.repeat(24 - full)

/** How one notice reads. */
const line = (notice: Notice): string => {
  const { view, written } = watching(false)
  view.show(notice)
  return written.join('')
}

test('how a standby follows stays on the screen, also of a terminal', () => {
  for (const isLive of [true, false]) {
    const { view, written } = watching(isLive)
    view.show({ type: 'standby', because: 'postgres://replica/shop has replayed everything' })
    view.end()
    expect(written).toEqual(['postgres://replica/shop has replayed everything\n'])
  }
})

describe('the line of a notice', () => {
  test.each<[string, Partial<Progress>, string]>([
    ['the beginning', { rowsDone: 0, rowsPerSecond: 0 }, `${bar(0)} 0 of 1,000 rows, 0 rows/s`],
    ['a quarter', {}, `${bar(6)} 250 of 1,000 rows, 50 rows/s`],
    ['the time that is left', { secondsLeft: 15 }, `${bar(6)} 250 of 1,000 rows, 50 rows/s, 15 s left`],
    ['almost the end', { rowsDone: 990 }, `${bar(24)} 990 of 1,000 rows, 50 rows/s`],
    ['the end', { rowsDone: 1000, secondsLeft: 0 }, `${bar(24)} 1,000 of 1,000 rows, 50 rows/s, 0 s left`],
    ['more than was expected', { rowsDone: 1200 }, `${bar(24)} 1,200 of 1,000 rows, 50 rows/s`],
    ['an empty table', { rowsDone: 0, rowsTotal: 0, rowsPerSecond: 0 }, `${bar(24)} 0 of 0 rows, 0 rows/s`],
    [
      'many rows',
      { rowsDone: 12_345_678, rowsTotal: 98_765_432, rowsPerSecond: 54_321, secondsLeft: 1591 },
      `${bar(3)} 12,345,678 of 98,765,432 rows, 54,321 rows/s, 26 min 31 s left`,
    ],
    [
      'what it takes',
      { logBytes: 440 * 2 ** 20, growth: 1.206 },
      `${bar(6)} 250 of 1,000 rows, 50 rows/s, 440 MB of log, table 1.2 times as large`,
    ],
    [
      'how many are at it',
      { secondsLeft: 15, workers: 2 },
      `${bar(6)} 250 of 1,000 rows, 50 rows/s, 15 s left, 2 workers`,
    ],
    ['one who is at it alone', { workers: 1 }, `${bar(6)} 250 of 1,000 rows, 50 rows/s`],
    ['what is not worth a word', { logBytes: 9_000, growth: 1.01 }, `${bar(6)} 250 of 1,000 rows, 50 rows/s`],
  ])('tells of %s', (_what, more, expected) => {
    expect(line(progress(more))).toBe(`m/backfill/1 ${expected}\n`)
  })

  test('always has a bar of the same width', () => {
    for (let rowsDone = 0; rowsDone <= 1000; rowsDone += 7) {
      expect(/[█░]+/.exec(line(progress({ rowsDone })))?.[0]).toHaveLength(24)
    }
  })

  test.each<[Notice, string]>([
    [{ type: 'waiting_for_lock', step: 'm/expand/1', blockers: [] }, 'm/expand/1: waiting for a lock'],
    [
      { type: 'waiting_for_lock', step: 'm/expand/1', blockers: ['psql (pid 7)', 'web (pid 8)'] },
      'm/expand/1: waiting for a lock; in the way: psql (pid 7); web (pid 8)',
    ],
    [
      { type: 'waiting_for_driver', holder: 'bellows/0.1.0 contract (pid 7, user app)' },
      'waiting: bellows/0.1.0 contract (pid 7, user app) is changing this database',
    ],
  ])('says who is waited for: %#', (notice, expected) => {
    expect(line(notice)).toBe(`${expected}\n`)
  })
})

describe('what holds a step back', () => {
  const braked = (pace: 'go' | 'slower' | 'pause', ...because: string[]): Notice => ({
    type: 'braked',
    step: 'm/backfill/1',
    pace,
    share: 0.5,
    because,
  })

  test.each<[Notice, string]>([
    [braked('pause', 'a commit takes 1 s', 'paused by ann'), 'paused: a commit takes 1 s; paused by ann'],
    [braked('slower', 'a commit takes 150 ms'), 'slowed: a commit takes 150 ms'],
    [braked('go'), 'goes on'],
  ])('is told: %#', (notice, expected) => {
    expect(line(notice)).toBe(`m/backfill/1 ${expected}\n`)
  })

  test('stands behind the figures until nothing does', () => {
    const { view, written, wait } = watching(false)
    const show = (notice: Notice) => {
      wait(5_000)
      view.show(notice)
    }
    show(progress())
    show(braked('slower', 'held to 30 % by ann'))
    show(progress())
    show(progress({ step: 'm/verify/1' }))
    show(braked('go'))
    show(progress())
    expect(written.map((text) => text.replace(/[█░]+/, 'bar'))).toEqual([
      'm/backfill/1 bar 250 of 1,000 rows, 50 rows/s\n',
      'm/backfill/1 slowed: held to 30 % by ann\n',
      'm/backfill/1 bar 250 of 1,000 rows, 50 rows/s; slowed: held to 30 % by ann\n',
      'm/verify/1 bar 250 of 1,000 rows, 50 rows/s\n',
      'm/backfill/1 goes on\n',
      'm/backfill/1 bar 250 of 1,000 rows, 50 rows/s\n',
    ])
  })

  test('is told at once where nothing can be drawn again, and its figures every few seconds', () => {
    const { view, written } = watching(false)
    view.show(progress())
    for (const ms of [210, 220, 230]) view.show(braked('pause', `a commit takes ${ms} ms`))
    expect(written.slice(1)).toEqual(['m/backfill/1 paused: a commit takes 210 ms\n'])
  })
})

describe('on a terminal', () => {
  const DRAWN_AGAIN = '\r\u001B[2K'

  test('every notice is drawn over the one before', () => {
    const { view, written } = watching(true)
    view.show(progress({ rowsDone: 0 }))
    view.show(progress())
    view.show({ type: 'waiting_for_lock', step: 'm/retire/1', blockers: [] })
    expect(written).toEqual([
      `${DRAWN_AGAIN}m/backfill/1 ${bar(0)} 0 of 1,000 rows, 50 rows/s`,
      `${DRAWN_AGAIN}m/backfill/1 ${bar(6)} 250 of 1,000 rows, 50 rows/s`,
      `${DRAWN_AGAIN}m/retire/1: waiting for a lock`,
    ])
  })

  test('the end leaves what was drawn last, and goes to the next line once', () => {
    const { view, written } = watching(true)
    view.show(progress())
    view.end()
    view.end()
    expect(written.slice(1)).toEqual(['\n'])
  })

  test('the end without anything drawn writes nothing', () => {
    const { view, written } = watching(true)
    view.end()
    expect(written).toEqual([])
  })

  test('whoever else writes begins on a line of its own', () => {
    const { view, written, terminal } = watching(true)
    view.show(progress())
    besideProgress(terminal, view).err('backfill: done\n')
    expect(written.slice(1)).toEqual(['\n', 'backfill: done\n'])
  })

  test('it goes on after an end', () => {
    const { view, written } = watching(true)
    view.show(progress())
    view.end()
    view.show(progress({ rowsDone: 1000 }))
    view.end()
    expect(written.filter((text) => text === '\n')).toHaveLength(2)
  })
})

describe('where nothing can be drawn again', () => {
  test('there is a line every five seconds', () => {
    const { view, written, wait } = watching(false)
    for (let rowsDone = 0; rowsDone <= 1000; rowsDone += 100) {
      view.show(progress({ rowsDone }))
      wait(1000)
    }
    expect(written.map((text) => / (\d[\d,]*) of/.exec(text)?.[1])).toEqual(['0', '500', '1,000'])
  })

  test('a new step has its line at once', () => {
    const { view, written } = watching(false)
    view.show(progress({ step: 'm/backfill/1' }))
    view.show(progress({ step: 'm/backfill/1' }))
    view.show(progress({ step: 'm/verify/1' }))
    view.show({ type: 'waiting_for_lock', step: 'm/verify/2', blockers: [] })
    expect(written.map((text) => text.split(/[ :]/)[0])).toEqual(['m/backfill/1', 'm/verify/1', 'm/verify/2'])
  })

  test('a notice without a step waits for its turn like the others', () => {
    const { view, written, wait } = watching(false)
    view.show({ type: 'waiting_for_driver', holder: 'a' })
    view.show({ type: 'waiting_for_driver', holder: 'b' })
    wait(5000)
    view.show({ type: 'waiting_for_driver', holder: 'c' })
    expect(written).toEqual([
      'waiting: a is changing this database\n',
      'waiting: c is changing this database\n',
    ])
  })

  test('the end shows the last state if it was not shown', () => {
    const { view, written, wait } = watching(false)
    view.show(progress({ rowsDone: 0 }))
    wait(100)
    view.show(progress({ rowsDone: 500 }))
    view.show(progress({ rowsDone: 1000 }))
    view.end()
    view.end()
    expect(written.map((text) => / (\d[\d,]*) of/.exec(text)?.[1])).toEqual(['0', '1,000'])
  })

  test('whoever else writes comes behind the last state', () => {
    const { view, written, terminal } = watching(false)
    view.show(progress({ rowsDone: 0 }))
    view.show(progress({ rowsDone: 1000 }))
    besideProgress(terminal, view).err('backfill: done\n')
    view.end()
    expect(written.slice(1)).toEqual([
      `m/backfill/1 ${bar(24)} 1,000 of 1,000 rows, 50 rows/s\n`,
      'backfill: done\n',
    ])
  })

  test('what was waited for is not waited for any more when it has come', () => {
    const { view, written } = watching(false)
    view.show(progress())
    view.show({ type: 'waiting_for_rollout', waitsFor: ['"web-1" is soaking'] })
    view.show({ type: 'rollout', event: { kind: 'serving', id: 'web-1' } })
    view.end()
    expect(written.slice(1)).toEqual(['web-1 serves\n'])
  })

  test('the end repeats nothing that was shown', () => {
    const { view, written } = watching(false)
    view.show(progress())
    view.end()
    expect(written).toHaveLength(1)
  })

  test('the end without anything to show writes nothing', () => {
    const { view, written } = watching(false)
    view.end()
    expect(written).toEqual([])
  })
})

describe('a figure', () => {
  test.each<[number, string]>([
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1_234_567, '1,234,567'],
  ])('%i is %s, whatever the language of the machine', (figure, text) => {
    expect(grouped(figure)).toBe(text)
  })
})

describe('a time', () => {
  test.each<[number, string]>([
    [0, '0 s'],
    [1, '1 s'],
    [59, '59 s'],
    [60, '1 min 0 s'],
    [61, '1 min 1 s'],
    [125, '2 min 5 s'],
    [3599, '59 min 59 s'],
    [3600, '1 h 0 min'],
    [5400, '1 h 30 min'],
    [7140, '1 h 59 min'],
    [7199, '1 h 59 min'],
    [7200, '2 h 0 min'],
    [59.6, '1 min 0 s'],
    [119.7, '2 min 0 s'],
    [90_000, '25 h 0 min'],
  ])('of %i seconds is %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text)
  })
})

test.each<[Notice, string]>([
  [
    { type: 'plain_ranges', step: 'm/backfill/1', because: 'pid 7 keeps dead versions' },
    'm/backfill/1: in plain ranges for now, because pid 7 keeps dead versions\n',
  ],
  [
    { type: 'waiting_for_backfill', because: 'no backfill is under way' },
    'Waiting: no backfill is under way.\n',
  ],
  [
    { type: 'waiting_for_server', because: 'The database cannot be reached: connect ECONNREFUSED.' },
    'Waiting for the server. The database cannot be reached: connect ECONNREFUSED.\n',
  ],
  [
    {
      type: 'quarantined',
      step: 'm/backfill/1',
      rows: 3,
      newest: { table: 'users', row: 'id=7', sqlstate: '22001', message: 'Too long.' },
    },
    'm/backfill/1: left out, 3 by now: id=7 of "users": Too long.\n',
  ],
  [
    { type: 'partly_tried', table: 'users', because: 'those of 32 of its 900 pages were, within 2 s' },
    'Not every row of "users" was tried: those of 32 of its 900 pages were, within 2 s.\n',
  ],
  [{ type: 'working_on', step: 'm/backfill/1', table: 'users' }, 'Filling "users" for m/backfill/1.\n'],
])('what a worker has to say stays on the screen: %j', (notice, text) => {
  const { view, written } = watching(true)
  view.show(progress())
  view.show(notice)
  view.end()
  expect(written.at(-1)).toBe(`\r\u001B[2K${text}`)
})
