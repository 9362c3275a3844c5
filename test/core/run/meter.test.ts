import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Meter, metered, progressOf, type Sample } from '../../../src/core/run/meter.ts'
import { lapOf, type Pass, share } from '../../../src/core/run/ranges.ts'

const sample = (rowsDone: number, rowsTotal: number, seconds: number, share: number): Sample => ({
  rowsDone,
  rowsTotal,
  seconds,
  share,
})
const START = sample(0, 1000, 0, 0)
const from = (spell: Sample, lap = spell): Pick<Meter, 'spell' | 'lap'> => ({ spell, lap })
const read = (...looks: readonly Sample[]): Meter | undefined =>
  looks.reduce<Meter | undefined>(metered, undefined)

describe('the meter', () => {
  const first = sample(0, 1000, 0, 0.2)

  test('begins with the first look of an attempt', () => {
    expect(read(first)).toMatchObject(from(first))
  })

  test.each<[string, readonly Sample[], boolean]>([
    ['on', [sample(10, 1000, 1, 0.3), sample(20, 1000, 2, 0.4)], false],
    ['not', [sample(10, 1000, 1, 0.3), sample(20, 1000, 2, 0.3)], false],
    ['back', [sample(10, 1000, 1, 0.3), sample(20, 1000, 2, 0.29)], true],
    ['to the beginning', [sample(10, 1000, 1, 1), sample(20, 1000, 2, 0)], true],
  ])('begins a new pass only when the share goes back: it went %s', (_what, looks, isNew) => {
    expect(read(first, ...looks)).toMatchObject(isNew ? from(first, looks.at(-1)) : from(first))
  })

  test('begins a new lap where the pace is another one, though the share goes on', () => {
    const [last, now] = [0.9, 0.95].map((part, at) => ({ ...sample(0, 10, at, part), lap: at + 1 }))
    expect(read(last as Sample, now as Sample)).toMatchObject(from(last as Sample, now))
  })

  test('keeps the beginning of the attempt, however many passes it takes', () => {
    const looks = [0.5, 1, 0.2, 0.9, 0.1].map((share, at) => sample(at, 10, at, share))
    expect(read(...looks)).toMatchObject(from(looks[0] as Sample, looks[4]))
  })

  const by = (workers: number | undefined, at: number): Sample => ({
    ...sample(at, 10, at, at / 10),
    workers,
  })

  test('begins anew where another number is at it; what was not counted is no other number', () => {
    expect(read(by(undefined, 0), by(1, 1), by(undefined, 2), by(1, 3))).toMatchObject(from(by(undefined, 0)))
    expect(read(by(undefined, 0), by(1, 1), by(undefined, 2), by(4, 3), by(4, 4))).toMatchObject(
      from(by(4, 3)),
    )
  })

  test('tells of the pace of four as soon as four are at it', () => {
    const looks = Array.from({ length: 11 }, (_, at) => ({
      ...sample(at * 10, 1000, at, at / 100),
      workers: 1,
    }))
    const more = [1, 2].map((at) => ({
      ...sample(100 + at * 50, 1000, 10 + at, 0.1 + at * 0.05),
      workers: 4,
    }))
    const now = more[1] as Sample
    expect(progressOf('x', read(...looks, ...more) as Meter, now)).toMatchObject({
      rowsPerSecond: 50,
      secondsLeft: 16,
      workers: 4,
    })
  })

  test('tells no time by the first second, which is slower than the rest', () => {
    const slow = [0, 0.4, 0.8].map((at) => sample(at * 50, 1000, at, at / 20))
    expect(progressOf('x', read(...slow) as Meter, slow[2] as Sample)).not.toHaveProperty('secondsLeft')
    const now = sample(160, 1000, 2, 0.16)
    const meter = read(...slow, sample(60, 1000, 1, 0.06), now) as Meter
    // A tenth in 1.2 s since, and not a fiftieth in 0.4.
    expect(progressOf('x', meter, now)).toMatchObject({ secondsLeft: 8, rowsPerSecond: 80 })
  })

  test('tells no time by less than half a second, such as by two batches that ended in the same moment', () => {
    const looks = [0, 0.5, 0.98, 1.01].map((at) => ({ ...sample(at * 100, 1000, at, at / 10), workers: 2 }))
    expect(progressOf('x', read(...looks) as Meter, looks[3] as Sample)).not.toHaveProperty('secondsLeft')
    const now = { ...sample(150, 1000, 1.5, 0.15), workers: 2 }
    expect(progressOf('x', read(...looks, now) as Meter, now)).toMatchObject({ secondsLeft: 9 })
  })

  test('begins anew where another share of the time is asked for; a pause is none', () => {
    const at = (asked: number | undefined, seconds: number) => ({
      ...sample(seconds, 10, seconds, seconds / 10),
      asked,
    })
    expect(read(at(1, 0), at(undefined, 1), at(1, 2), at(1, 3))).toMatchObject(from(at(1, 0)))
    expect(read(at(1, 0), at(1, 1), at(0.3, 2), at(0.3, 3))).toMatchObject(from(at(0.3, 2)))
  })

  test.each<[string, Partial<Sample>]>([
    ['number', { workers: 4 }],
    ['share', { asked: 0.3 }],
  ])('begins anew with another %s also where another lap begins with it', (_what, other) => {
    const at = (seconds: number, lap: number, more: Partial<Sample> = {}) => ({
      ...sample(seconds, 10, seconds, seconds / 10),
      workers: 1,
      asked: 1,
      lap,
      ...more,
    })
    const looks = [at(0, 1), at(1, 1), at(2, 2, other), at(3, 2, other)]
    expect(read(...looks)).toMatchObject(from(looks[2] as Sample))
  })

  test.each([0.1, 0.3, 0.5, 0.9])('tells by whole turns where the share is %s', (asked) => {
    const [batchSeconds, seconds] = [0.025, 60]
    const batches = Math.round(asked / batchSeconds)
    const looks = Array.from({ length: seconds * batches }, (_, at) => {
      const [turn, batch] = [Math.floor(at / batches), at % batches]
      const passed = 0.4 + turn + (batch + 1) * batchSeconds
      return { ...sample(at, seconds * batches, passed, at / (seconds * batches)), asked }
    })
    let meter: Meter | undefined
    let told = Number.POSITIVE_INFINITY
    for (const now of looks) {
      meter = metered(meter, now)
      const { secondsLeft } = progressOf('x', meter, now)
      if (secondsLeft === undefined) continue
      told = Math.min(told, now.seconds)
      expect(Math.abs(secondsLeft - (seconds - now.seconds)), `at ${now.seconds} s`).toBeLessThanOrEqual(
        1 + (seconds - now.seconds) / 10,
      )
    }
    expect(told).toBeLessThan(4)
  })

  test('tells a time under a share also where there is no rest between two turns', () => {
    const looks = Array.from({ length: 80 }, (_, at) => ({
      ...sample(at, 1_000, at / 10, at / 1_000),
      asked: 0.3,
    }))
    const now = looks.at(-1) as Sample
    expect(progressOf('x', read(...looks) as Meter, now)).toMatchObject({ secondsLeft: 92 })
  })

  test('counts no pause of the brake, whatever it paused beside', () => {
    const at = (done: number, seconds: number, pauses: number) => ({
      ...sample(done, 100, seconds, done / 100),
      pauses,
    })
    const looks = [at(0, 0, 0), at(50, 30, 0), at(51, 3_630, 1), at(52, 3_630.6, 1)]
    const now = looks[3] as Sample
    expect(progressOf('x', read(...looks) as Meter, now)).toMatchObject({
      rowsPerSecond: 2,
      secondsLeft: 29,
    })
    const passes = [at(0, 0, 0), at(100, 60, 0), { ...at(100, 3_660, 1), lap: 2 }]
    expect(progressOf('x', read(...passes) as Meter, passes[2] as Sample)).toMatchObject({
      rowsPerSecond: 2,
    })
  })
})

/** What several do side by side, each batch after batch, of so many in all. */
interface Team {
  /** What their batches take, in milliseconds, again and again. */
  readonly takes: readonly number[]
  readonly workers: number
  readonly batches: number
}

const teams: fc.Arbitrary<Team> = fc.record({
  takes: fc.array(fc.integer({ min: 15, max: 45 }), { minLength: 1, maxLength: 10 }),
  workers: fc.integer({ min: 1, max: 8 }),
  batches: fc.integer({ min: 200, max: 4_000 }),
})

/** When each of their batches is done, in seconds, where it may take more time than by itself. */
function ends({ takes, workers, batches }: Team, later: (end: number) => number = (end) => end): number[] {
  const free = Array.from({ length: workers }, () => 0)
  return Array.from({ length: batches }, (_, at) => {
    const first = free.indexOf(Math.min(...free))
    free[first] = (free[first] ?? 0) + (takes[at % takes.length] ?? 0) / 1_000
    return later(free[first] ?? 0)
  }).toSorted((a, b) => a - b)
}

/** By which share of what is left the time left is wrong at worst, half of a second taken off, from a tenth of the work on, as long as a tenth of the time is left. */
function wrong(looks: readonly Sample[]): number {
  const [first, last] = [looks[0]?.seconds ?? 0, looks.at(-1)?.seconds ?? 0]
  let [meter, worst]: [Meter | undefined, number] = [undefined, 0]
  for (const now of looks) {
    meter = metered(meter, now)
    const left = last - now.seconds
    const { secondsLeft } = progressOf('x', meter, now)
    if (secondsLeft === undefined || now.share < 0.1 || left < (last - first) / 10) continue
    worst = Math.max(worst, (Math.abs(secondsLeft - left) - 0.5) / left)
  }
  return worst
}

const looksAt = (
  times: readonly number[],
  more: (seconds: number) => Partial<Sample> = () => ({}),
): Sample[] =>
  times.map((seconds, at) => ({
    ...sample(at + 1, times.length, seconds, (at + 1) / times.length),
    ...more(seconds),
  }))

describe('the time left, to a fifth from a tenth of the work on, of a table whose rows are alike', () => {
  test('whoever is at it, and though the first second is slower', () => {
    fc.assert(
      fc.property(teams, fc.boolean(), (team, isSlow) => {
        const looks = looksAt(
          ends(team, (end) => (isSlow ? Math.max(end, Math.min(2 * end, end + 0.5)) : end)),
        )
        expect(wrong(looks)).toBeLessThan(0.2)
      }),
    )
  })

  test('also of an attempt that goes on behind another one', () => {
    fc.assert(
      fc.property(teams, fc.double({ min: 0.1, max: 0.9, noNaN: true }), (team, begun) => {
        const looks = looksAt(ends(team)).map((one) => ({
          ...one,
          seconds: one.seconds + 40_000,
          share: begun + (1 - begun) * one.share,
        }))
        expect(wrong(looks)).toBeLessThan(0.2)
      }),
    )
  })
})

/** How long each batch takes of a table whose rows are alike: some take longer than others, again and again. */
const uniform = fc
  .array(fc.integer({ min: 50, max: 150 }), { minLength: 1, maxLength: 10 })
  .map((some) => Array.from({ length: 400 }, (_, at) => some[at % some.length] ?? 0))

function passOf(leaf: number, leaves: number, passNumber: number): Pass {
  const file = { filenode: 1, blocks: 100, rows: 1_000, rowsPerBlock: 10, linesPerBlock: 10 }
  const extent = (count: number) => ({ blocks: count * 100, rows: count * 1_000, uncounted: 0 })
  const among = {
    oid: leaf,
    table: { namespace: 'public', name: `t_${leaf}` },
    before: extent(leaf),
    own: extent(1),
    behind: extent(leaves - leaf - 1),
  }
  return { file, at: { block: 0, line: 1 }, passNumber, ...(leaves === 1 ? {} : { leaf: among }) }
}

describe('the progress', () => {
  test('knows from a tenth of the work on when it will be over, to a fifth of what is left', () => {
    fc.assert(
      fc.property(uniform, (durations) => {
        let seconds = 0
        const ends = durations.map((ms) => (seconds += ms / 1_000))
        const whole = ends.at(-1) ?? 0
        for (const [at, end] of ends.entries()) {
          const share = (at + 1) / ends.length
          if (share < 0.1 || share > 0.95) continue
          const now = sample(share * 1_000, 1_000, end, share)
          const { secondsLeft = 0 } = progressOf('x', from(START), now)
          // The figure is in whole seconds.
          expect(Math.abs(secondsLeft - (whole - end))).toBeLessThan(0.2 * (whole - end) + 0.5)
        }
      }),
    )
  })

  // A partitioned table has both passes of each partition in turn.
  test('knows it of a backfill with its second passes, which only read', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0.045, max: 0.08, noNaN: true }),
        fc.integer({ min: 20, max: 10_000 }),
        (leaves, reading, fillSeconds) => {
          const passes = Array.from({ length: leaves }, (_, leaf) => [
            passOf(leaf, leaves, 1),
            passOf(leaf, leaves, 2),
          ]).flat()
          const whole = leaves * fillSeconds * (1 + reading)
          let [began, meter]: [number, Meter] = [0, metered(undefined, START)]
          for (const pass of passes) {
            const takes = fillSeconds * (pass.passNumber === 1 ? 1 : reading)
            for (let block = 0; block < 100; block += 1) {
              const place = { ...pass, at: { block, line: 1 } }
              const now = { ...sample(0, 1, began + (takes * block) / 100, share(place)), lap: lapOf(place) }
              meter = metered(meter, now)
              const left = whole - now.seconds
              const { secondsLeft = 0 } = progressOf('x', meter, now)
              if (now.seconds > whole / 10 && left > whole / 10)
                expect(Math.abs(secondsLeft - left)).toBeLessThan(0.2 * left + 0.5)
            }
            began += takes
          }
        },
      ),
    )
  })

  test('says what the step has taken, where that is known', () => {
    const cost = { logBytes: 7, growth: 1.2 }
    expect(progressOf('x', from(START), { ...sample(1, 2, 3, 0.5), cost })).toMatchObject(cost)
    expect(progressOf('x', from(START), sample(1, 2, 3, 0.5))).not.toHaveProperty('logBytes')
  })

  test.each<[string, Pick<Meter, 'spell' | 'lap'>, Sample, object]>([
    ['of the first look', from(START), START, { rowsDone: 0, rowsTotal: 1000, rowsPerSecond: 0 }],
    [
      'at a tenth',
      from(START),
      sample(100, 1000, 5, 0.1),
      { rowsDone: 100, rowsTotal: 1000, rowsPerSecond: 20, secondsLeft: 45 },
    ],
    [
      'at the half',
      from(START),
      sample(500, 1000, 10, 0.5),
      { rowsDone: 500, rowsTotal: 1000, rowsPerSecond: 50, secondsLeft: 10 },
    ],
    [
      'at the end',
      from(START),
      sample(1000, 1000, 20, 1),
      { rowsDone: 1000, rowsTotal: 1000, rowsPerSecond: 50, secondsLeft: 0 },
    ],
    [
      'of more rows than were expected',
      from(START),
      sample(1200, 1000, 12, 0.5),
      { rowsDone: 1200, rowsTotal: 1200, rowsPerSecond: 100, secondsLeft: 12 },
    ],
    [
      'of a table whose first part was filled before',
      from(START),
      sample(0, 1000, 10, 0.5),
      { rowsDone: 0, rowsTotal: 1000, rowsPerSecond: 0, secondsLeft: 10 },
    ],
    [
      'of a second attempt: the night between the two does not count',
      from(sample(500, 1000, 30_000, 0.5)),
      sample(600, 1000, 30_010, 0.6),
      { rowsDone: 600, rowsTotal: 1000, rowsPerSecond: 10, secondsLeft: 40 },
    ],
    [
      'of a second pass: the rate is that of all passes, the rest that of this one',
      from(START, sample(900, 1000, 90, 0)),
      sample(1000, 1000, 100, 0.5),
      { rowsDone: 1000, rowsTotal: 1000, rowsPerSecond: 10, secondsLeft: 10 },
    ],
    [
      'of a second pass that has not gone on yet',
      from(START, sample(900, 1000, 90, 0)),
      sample(900, 1000, 90, 0),
      { rowsDone: 900, rowsTotal: 1000, rowsPerSecond: 10 },
    ],
    [
      'without any passed yet',
      from(START),
      sample(10, 1000, 3, 0),
      { rowsDone: 10, rowsTotal: 1000, rowsPerSecond: 3 },
    ],
    [
      'within one instant',
      from(START),
      sample(10, 1000, 0, 0.1),
      { rowsDone: 10, rowsTotal: 1000, rowsPerSecond: 0 },
    ],
    [
      'with a fraction of a second',
      from(START),
      sample(10, 1000, 0.4, 0.01),
      { rowsDone: 10, rowsTotal: 1000, rowsPerSecond: 25 },
    ],
    [
      'of an empty table',
      from(sample(0, 0, 0, 1)),
      sample(0, 0, 0, 1),
      { rowsDone: 0, rowsTotal: 0, rowsPerSecond: 0 },
    ],
  ])('%s', (_what, meter, now, expected) => {
    expect(progressOf('m/backfill/1', meter, now)).toEqual({
      type: 'progress',
      step: 'm/backfill/1',
      ...expected,
    })
  })

  test('has whole figures, none of them below zero, and never more done than there is', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true })
    fc.assert(
      fc.property(fc.nat(1e9), fc.nat(1e9), fc.nat(1e6), share, share, (done, more, seconds, a, b) => {
        const first = sample(done, done, 7, Math.min(a, b))
        const now = sample(done + more, done, 7 + seconds, Math.max(a, b))
        const { rowsDone, rowsTotal, rowsPerSecond, secondsLeft = 0 } = progressOf('x', from(first), now)
        expect(rowsTotal).toBeGreaterThanOrEqual(rowsDone)
        for (const figure of [rowsPerSecond, secondsLeft]) {
          expect(figure).toBeGreaterThanOrEqual(0)
          expect(Number.isInteger(figure) || figure === Number.POSITIVE_INFINITY).toBe(true)
        }
      }),
    )
  })
})
