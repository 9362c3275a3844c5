import { describe, expect, test } from 'vitest'
import { spoken, usageCheck } from '../../../src/core/gate/usage.ts'
import {
  type ServerUse,
  type StatementUse,
  type UsageFacts,
  type Watch,
  watched,
} from '../../../src/core/gate/watch.ts'
import { COLUMN, NOW_MS, RULES, usage, watch } from './facts.ts'

const statements = (calls: number, epoch = 'e'): ServerUse => ({
  server: 'the primary',
  identity: '1/1',
  statements: {
    epoch,
    used: [
      {
        id: '10/1',
        role: 'app',
        calls,
        text: 'select name from users',
        queryId: '-7',
        certainty: 'definite',
      },
    ],
  },
})
const write = (ago: number) => ({
  role: 'app',
  application: 'app-v1',
  address: null,
  pid: 7,
  firstSeen: '',
  lastSeen: '',
  lastSeenMs: NOW_MS - ago,
})
const writes = (count: number, ...ago: readonly number[]): NonNullable<UsageFacts['writes']> => ({
  count,
  countedSinceMs: NOW_MS - 7_200_000,
  last: ago.map(write),
})

describe('the first look', () => {
  test('knows of writes since they are counted', () => {
    expect(watched(undefined, usage({ writes: writes(0) })).sinceMs).toBe(NOW_MS - 7_200_000)
  })

  test('knows of reads from now on only', () => {
    const first = watched(undefined, usage({ writes: writes(0), servers: [statements(5)] }))
    expect(first).toMatchObject({ sinceMs: NOW_MS, because: 'it is watched from now on' })
  })

  test('begins now when something was written and nobody can say when: its transaction was taken back', () => {
    expect(watched(undefined, usage({ writes: writes(1) }))).toMatchObject({
      sinceMs: NOW_MS,
      because: 'it was written through the old shape',
    })
  })

  test('begins now where nothing counts', () => {
    expect(watched(undefined, usage()).sinceMs).toBe(NOW_MS)
  })

  test('takes a row of who wrote for all of the minute', () => {
    expect(watched(undefined, usage({ writes: writes(3, 200_000) }))).toMatchObject({
      sinceMs: NOW_MS - 140_000,
      because: '"app-v1" wrote it through the old shape',
    })
    expect(watched(undefined, usage({ writes: writes(3, 2_000) })).sinceMs).toBe(NOW_MS)
  })

  test('counts from when the last instance that had declared it was there', () => {
    const seen = usage({ writes: writes(0), lastThereMs: NOW_MS - 4_000 })
    expect(watched(undefined, seen)).toMatchObject({
      sinceMs: NOW_MS - 4_000,
      because: 'an instance that had declared it was there until then',
    })
  })
})

describe('every further look', () => {
  const earlier = (now: Partial<UsageFacts>, at = 1_000_000): Watch =>
    ({ ...watched(undefined, usage(now)), sinceMs: NOW_MS - at }) satisfies Watch

  test('leaves the time as it is when nothing was used', () => {
    const seen = { writes: writes(3, 5_000_000), servers: [statements(5)] }
    expect(watched(earlier(seen), usage(seen)).sinceMs).toBe(NOW_MS - 1_000_000)
  })

  test.for<[string, Partial<UsageFacts>, Partial<UsageFacts>, string]>([
    [
      'a statement ran',
      { servers: [statements(5)] },
      { servers: [statements(6)] },
      '"app" ran on the primary',
    ],
    [
      'a statement ran for the first time',
      { servers: [{ ...statements(0), statements: { epoch: 'e', used: [] } }] },
      { servers: [statements(1)] },
      '"app" ran on',
    ],
    [
      'statements were forgotten',
      { servers: [statements(5)] },
      { servers: [statements(5, 'f')] },
      'was reset or has forgotten',
    ],
    [
      'one statement was forgotten',
      { servers: [statements(5)] },
      { servers: [{ ...statements(5), statements: { epoch: 'e', used: [] } }] },
      'was reset or has forgotten',
    ],
    ['their counters fell', { servers: [statements(5)] }, { servers: [statements(4)] }, '"app" ran on'],
    [
      'the server is another one',
      { servers: [statements(5)] },
      { servers: [{ ...statements(5), identity: '1/2' }] },
      'another server than before',
    ],
    [
      'a standby is new',
      { servers: [statements(5)] },
      { servers: [statements(5), { ...statements(0), server: 'standby' }] },
      'standby is watched from now on',
    ],
    [
      'the extension is gone',
      { servers: [statements(5)] },
      { servers: [{ server: 'the primary', identity: '1/1' }] },
      'was reset',
    ],
    [
      'it was written by a transaction that left nothing else',
      { writes: writes(3) },
      { writes: writes(4) },
      'was written through the old shape',
    ],
    ['it was written just now', { writes: writes(3) }, { writes: writes(4, 1_000) }, '"app-v1" wrote it'],
  ])('begins anew when %s', ([, then, now, because]) => {
    expect(watched(earlier(then), usage(now))).toMatchObject({
      sinceMs: NOW_MS,
      because: expect.stringContaining(because),
    })
  })

  test('knows that nothing was written since a look that counted the same, whatever else the minute of a row may hold', () => {
    const at = (ms: number, count: number, ago: number): UsageFacts => ({
      ...usage({ writes: writes(count, ago) }),
      nowMs: NOW_MS + ms,
    })
    const looks = [at(0, 3, 2_000), at(1_000, 3, 2_000), at(9_000, 3, 2_000)]
    const quiet = looks.reduce<Watch | undefined>(watched, undefined)
    expect(quiet).toMatchObject({ sinceMs: NOW_MS, because: '"app-v1" wrote it through the old shape' })
    // Counted by a row that is there already.
    const written = watched(quiet, at(20_000, 4, 2_000))
    expect(written.sinceMs).toBe(NOW_MS + 20_000)
    expect(watched(written, at(30_000, 4, 2_000)).sinceMs).toBe(NOW_MS + 20_000)
  })

  test('never tells a time that has not come, or one before the last use', () => {
    const future = watched(earlier({ writes: writes(3) }), usage({ writes: writes(4, 0) }))
    expect(future.sinceMs).toBe(NOW_MS)
    const late = watched(earlier({}, 10), usage({ lastThereMs: NOW_MS - 500 }))
    expect(late.sinceMs).toBe(NOW_MS - 10)
  })

  test('goes on for a standby when somebody has looked without it, unless it was used meanwhile', () => {
    const both = (calls: number, ms: number): UsageFacts => ({
      ...usage({ servers: [statements(5), { ...statements(calls), server: 'standby' }] }),
      nowMs: NOW_MS + ms,
    })
    const alone: UsageFacts = { ...usage({ servers: [statements(5)] }), nowMs: NOW_MS + 1_000 }
    const looked = [both(2, 0), alone].reduce<Watch | undefined>(watched, undefined)
    expect(watched(looked, both(2, 2_000)).sinceMs).toBe(NOW_MS)
    expect(watched(looked, both(3, 2_000))).toMatchObject({
      sinceMs: NOW_MS + 2_000,
      because: '"app" ran on standby: select name from users',
    })
  })

  test.for([
    { server: 'the primary', identity: '', unreadable: 'gone' },
    { server: 'the primary', identity: '1/1', unseen: 'no right' },
  ])('goes on for a server that could not be asked meanwhile, unless it was used: %o', (lost) => {
    const then = watched(earlier({ servers: [statements(5)] }), usage({ servers: [lost] }))
    expect(then).toMatchObject({ sinceMs: NOW_MS - 1_000_000, servers: { 'the primary': { epoch: 'e' } } })
    expect(watched(then, usage({ servers: [statements(5)] })).sinceMs).toBe(NOW_MS - 1_000_000)
    expect(watched(then, usage({ servers: [statements(6)] }))).toMatchObject({
      sinceMs: NOW_MS,
      because: expect.stringContaining('"app" ran on the primary'),
    })
  })
})

describe('usage', () => {
  const check = (seen: UsageFacts, kept: Watch, quietMs = 60_000) =>
    usageCheck(COLUMN, seen, kept, { ...RULES, quietMs })

  test('is green after the quiet time and red before, with what is missing', () => {
    expect(check(usage(), watch({ sinceMs: NOW_MS - 60_000 }))).toMatchObject({
      state: 'green',
      because: [`nothing has used ${COLUMN} for 60 s (seen: leases)`],
    })
    expect(
      check(usage({ writes: writes(1, 3_000) }), watch({ sinceMs: NOW_MS - 59_000, because: 'it was so' })),
    ).toMatchObject({
      state: 'red',
      because: [`${COLUMN} is quiet for 59 s of 60 s: it was so (seen: leases, old-shape writes)`],
      hint: 'Look again in 1 s, or wait for it: bellows gate wait',
      offenders: [{ application: 'app-v1', role: 'app', pid: 7 }],
    })
  })

  test('is green where no quiet time is asked for', () => {
    expect(check(usage(), watch({ sinceMs: NOW_MS }), 0)).toMatchObject({ state: 'green' })
  })

  test('is not known while one of the servers cannot be asked, however quiet the others are', () => {
    const seen = usage({
      servers: [statements(1), { server: 'standby', identity: '', unreadable: 'refused' }],
    })
    expect(check(seen, watch())).toMatchObject({
      state: 'unknown',
      because: ['the use on standby is not known: refused', expect.stringContaining('quiet for')],
    })
  })

  test('is not known where the statements of a server may not be seen, unless no quiet time is asked for', () => {
    const hidden = usage({
      servers: [{ server: 'the primary', identity: '1/1', unseen: 'no right' }],
    })
    expect(check(hidden, watch())).toMatchObject({
      state: 'unknown',
      because: ['the use on the primary is not known: no right', expect.stringContaining('quiet for')],
    })
    expect(check(hidden, watch(), 0).state).toBe('green')
    const gone = usage({ servers: [{ server: 'standby', identity: '', unreadable: 'refused' }] })
    expect(check(gone, watch(), 0).state).toBe('unknown')
    expect(check({ ...hidden, uncounted: 'it is gone' }, watch(), 0).state).toBe('unknown')
  })

  test('shows the statements that ran, the latest first, and how sure it is of each', () => {
    const all = {
      id: '10/2',
      role: 'bi',
      calls: 1,
      text: `select *\n  from users ${'x'.repeat(200)}`,
      certainty: 'possible',
    } as const
    const at = (ms: number, ...used: readonly StatementUse[]): UsageFacts => ({
      ...usage({ servers: [{ server: 'the primary', identity: '1/1', statements: { epoch: 'e', used } }] }),
      nowMs: NOW_MS + ms,
      now: `at ${ms}`,
    })
    const [one] = statements(4).statements?.used ?? []
    const first = watched(undefined, at(0, one as StatementUse))
    expect(check(at(0, one as StatementUse), first).offenders).toEqual([])
    const second = watched(first, at(10, { ...(one as StatementUse), calls: 5 }))
    const third = watched(second, at(20, { ...(one as StatementUse), calls: 5 }, all))
    expect(check(at(20, { ...(one as StatementUse), calls: 5 }, all), third).offenders).toEqual([
      {
        who: `a statement that takes all columns on the primary, 1 calls: select * from users ${'x'.repeat(100)}…`,
        role: 'bi',
        firstSeen: 'at 20',
        lastSeen: 'at 20',
        fix: 'let no plan choose it any more, or go on without: bellows contract --override usage --reason "<why>"',
      },
      {
        who: 'a statement on the primary, 5 calls: select name from users',
        role: 'app',
        firstSeen: 'at 10',
        lastSeen: 'at 10',
        fix: 'find the client by the text, there or among sessions, and change it: select pid, usename, application_name, client_addr from pg_stat_activity where query_id = -7',
      },
    ])
    const fourth = watched(third, at(30, { ...(one as StatementUse), calls: 6 }, all))
    expect(check(at(30, { ...(one as StatementUse), calls: 6 }, all), fourth).offenders[0]).toMatchObject({
      firstSeen: 'at 10',
      lastSeen: 'at 30',
    })
  })

  test.for([
    [0, '0 s'],
    [119_000, '119 s'],
    [120_000, '2 min'],
    [7_199_000, '119 min'],
    [7_200_000, '2 h'],
  ] as const)('speaks of %i ms as %s', ([ms, text]) => {
    expect(spoken(ms)).toBe(text)
  })
})
