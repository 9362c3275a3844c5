import type { GateReport } from '../../index.ts'
import type { Terminal } from '../terminal.ts'

/** Why the old shape may not go comes first, and under each reason what to do about it. */
export function renderGates(reports: readonly GateReport[], { style }: Terminal): string {
  return reports
    .flatMap(({ table, column, usage, checks }) => [
      `"${table.name}"."${column}" is ${style(usage === 'drained' ? 'green' : 'yellow', usage)}`,
      ...checks
        .toSorted((a, b) => Number(a.green) - Number(b.green))
        .flatMap((one) => checkLines(one, style)),
    ])
    .join('\n')
}

function checkLines(one: GateReport['checks'][number], style: Terminal['style']): readonly string[] {
  const [first = '', ...more] = one.because
  const word = one.green ? style('green', 'green') : style('red', 'red  ')
  return [
    `  ${one.check.padEnd(NAME_WIDTH)}  ${word}  ${first}`,
    ...[...more, ...(one.green ? [] : [one.hint])].map((line) => `${INDENT}${line}`),
  ]
}

const NAME_WIDTH = 'dependents'.length
const INDENT = ' '.repeat('  '.length + NAME_WIDTH + '  green  '.length)
