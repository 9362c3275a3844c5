// What was measured, as Markdown with the targets beside it, and as a picture.
import { CLIENTS } from './dual-write.mjs'

export const median = (numbers) => {
  const sorted = numbers.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

/** The bystander by itself. */
export const IDLE = 'nobody else'

/** Of Bellows, unless set otherwise: `lock.heldTimeoutMs`. */
const LOCK_TIMEOUT_MS = 500
const DECLARED_HOLD_MS = 100

/** Medians of the runs of each way. */
export function summed(runs) {
  return [...new Set(runs.map(({ way }) => way))].map((way) => {
    const some = runs.filter((run) => run.way === way)
    const of = (name) => median(some.map((run) => run[name]).filter((value) => value !== undefined))
    return {
      way,
      rowsPerSecond: of('rowsPerSecond'),
      walBytes: of('walBytes'),
      tableGrowth: of('tableGrowth'),
      indexGrowth: of('indexGrowth'),
      hotShare: of('hotShare'),
      memoryBytes: of('memoryBytes'),
      foretoldOff: of('foretoldOff'),
      p50Ms: of('p50Ms'),
      p99Ms: of('p99Ms'),
      mostMs: of('mostMs'),
      verifyShare: of('verifySeconds') / of('seconds'),
    }
  })
}

const number = (value, digits = 2) => (Number.isNaN(value) ? '' : value.toFixed(digits))

export function table(title, rows, notRun) {
  return [
    `### ${title}`,
    '',
    '| way | rows/s, thousands | log, MB | table | index | HOT | bystander p50 / p99 / most, ms | comparison, share of the fill | memory, MB |',
    '|---|---:|---:|---:|---:|---:|---:|---:|---:|',
    ...rows.map(
      (row) =>
        `| ${row.way} | ${number(row.rowsPerSecond / 1_000, 0)} | ${number(row.walBytes / 1e6, 0)} | ${number(row.tableGrowth)} | ${number(row.indexGrowth)} | ${number(row.hotShare)} | ${[row.p50Ms, row.p99Ms, row.mostMs].map((value) => number(value, 1)).join(' / ')} | ${number(row.verifyShare)} | ${number(row.memoryBytes / 1e6, 0)} |`,
    ),
    ...notRun.map((way) => `| ${way} | not run | | | | | | | |`),
    '',
  ].join('\n')
}

/** What we hold ourselves to, each with what came out; `undefined` where it could not be measured. */
export function targets(rows) {
  const of = (way) => rows.find((row) => row.way === way)
  const ratio = (way, other, name = 'rowsPerSecond') => {
    const [a, b] = [of(way)?.[name], of(other)?.[name]]
    return a === undefined || b === undefined ? undefined : a / b
  }
  const [one, two] = ['Bellows, 1 worker', 'Bellows, 2 workers']
  return [
    atLeast('2 workers against pgroll at its defaults', ratio(two, 'pgroll, its defaults'), 5),
    atLeast('2 workers against pgroll, batches of 10,000', ratio(two, 'pgroll, batches of 10,000'), 4),
    atLeast('1 worker against pgroll at its defaults', ratio(one, 'pgroll, its defaults'), 3),
    atLeast('1 worker against one UPDATE', ratio(one, 'one UPDATE'), 1),
    atLeast('2 workers against one UPDATE', ratio(two, 'one UPDATE'), 2),
    atMost('log against one UPDATE', ratio(one, 'one UPDATE', 'walBytes'), 0.6),
    atMost('table afterwards', of(one)?.tableGrowth, 1.25),
    atMost('index afterwards', of(one)?.indexGrowth, 1.01),
    atMost(
      'p99 of the bystander against pgroll at its defaults',
      ratio(one, 'pgroll, its defaults', 'p99Ms'),
      1,
    ),
    atMost('p99 of the bystander over that when nobody else is there, ms', over(one, IDLE, of), 3),
    atLeast(
      '1 worker against pgroll at its defaults, with that p99',
      ratio(one, 'pgroll, its defaults'),
      2.5,
    ),
    atMost('longest wait of the bystander, ms', of(one)?.mostMs, LOCK_TIMEOUT_MS + DECLARED_HOLD_MS),
    atMost('time left as foretold from a tenth on, off by at most', of(one)?.foretoldOff, 0.2),
    atMost('comparison, share of the fill', of(one)?.verifyShare, 0.12),
  ]
}

const over = (way, other, of) => (of(way)?.p99Ms ?? Number.NaN) - (of(other)?.p99Ms ?? Number.NaN)

/** The dual write, by the medians of updates a second. */
export function dualWriteTargets(results) {
  return ['copied', 'other'].flatMap((column) =>
    CLIENTS.map((clients) => {
      const of = (isExpanded) =>
        median(
          results
            .filter(
              (one) => one.column === column && one.clients === clients && one.isExpanded === isExpanded,
            )
            .map(({ perSecond }) => perSecond),
        )
      return atMost(
        `updates of ${column === 'copied' ? 'the copied' : 'another'} column that the dual write costs, ${clients === 1 ? 'one client' : `${clients} clients`}`,
        1 - of(true) / of(false),
        0.06,
      )
    }),
  )
}

const atLeast = (what, value, target) => ({ what, value, target: `≥ ${target}`, missed: value < target })
const atMost = (what, value, target) => ({ what, value, target: `≤ ${target}`, missed: value > target })

export function targetTable(title, all) {
  return [
    `### ${title}`,
    '',
    '| | measured | target |',
    '|---|---:|---:|',
    ...all.map(({ what, value, target, missed }) =>
      value === undefined || Number.isNaN(value)
        ? `| ${what} | not run | ${target} |`
        : `| ${what} | ${number(value)} | ${target}${missed ? ' MISSED' : ''} |`,
    ),
    '',
  ].join('\n')
}

const [WIDTH, HEIGHT, MARGIN] = [900, 260, 50]
const COLORS = ['#1b6ca8', '#d1495b', '#2e8b57', '#8a5a00', '#6a4c93', '#444444']

/** Two charts over time, one line for each way: rows a second, and the bystander's p99. */
export function picture(runs) {
  const lines = [
    ...new Map(runs.filter(({ samples }) => samples.length > 0).map((run) => [run.way, run])).values(),
  ]
  const charts = [
    chart('rows a second', lines, ({ rows }) => rows),
    chart('p99 of the bystander, ms', lines, ({ p99Ms }) => p99Ms),
  ]
  const legend = lines.map(
    ({ way }, at) =>
      `<text x="${MARGIN + at * 145}" y="${2 * HEIGHT + 30}" fill="${COLORS[at % COLORS.length]}">${way}</text>`,
  )
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${2 * HEIGHT + 50}" font-family="sans-serif" font-size="11">
<title>Rows a second, and p99 of the bystander, over time</title>
<rect width="100%" height="100%" fill="white"/>
${charts.map((text, at) => `<g transform="translate(0 ${at * HEIGHT})">\n${text}\n</g>`).join('\n')}
${legend.join('\n')}
</svg>
`
}

function chart(title, lines, value) {
  const seconds = Math.max(1, ...lines.map(({ samples }) => samples.length - 1))
  const most = Math.max(1, ...lines.flatMap(({ samples }) => samples.map(value)))
  const x = (second) => MARGIN + (second / seconds) * (WIDTH - 2 * MARGIN)
  const y = (amount) => HEIGHT - MARGIN / 2 - (amount / most) * (HEIGHT - MARGIN)
  const points = ({ samples }) =>
    samples.map((sample) => `${x(sample.second).toFixed(1)},${y(value(sample)).toFixed(1)}`).join(' ')
  return [
    `<text x="${MARGIN}" y="15">${title}: up to ${Math.round(most).toLocaleString('en-US')}, over ${seconds} s</text>`,
    `<path d="M${MARGIN},${y(most)} V${y(0)} H${WIDTH - MARGIN}" fill="none" stroke="#999999"/>`,
    ...lines.map(
      (line, at) => `<polyline points="${points(line)}" fill="none" stroke="${COLORS[at % COLORS.length]}"/>`,
    ),
  ].join('\n')
}
