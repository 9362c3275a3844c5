import { grouped } from '../render/figures.ts'
import type { Terminal } from '../terminal.ts'
import type { Claim } from './claims.ts'
import type { Served } from './load.ts'
import type { Stretch } from './requests.ts'

const FAILURES_SHOWN = 5

export interface Reported {
  readonly served: Served
  readonly claims: readonly Claim[]
  /** The table, then and now. */
  readonly before: string
  readonly after: string
  /** Of the application. */
  readonly versions: readonly string[]
}

export function report(
  { out, style }: Terminal,
  { served, claims, before, after, versions }: Reported,
): void {
  out(`\n  ${row('requests', [...versions.map((version) => `version ${version}`), ...FIGURES])}`)
  for (const stretch of served.stretches) out(`  ${row(stretch.name, figuresOf(stretch, versions))}`)
  out(`\n  before  ${before}\n  after   ${after}\n`)
  for (const { claim, held } of claims)
    out(`  ${held ? style('green', 'yes') : style('red', 'NO ')}  ${claim}`)
  for (const failure of served.failures.slice(0, FAILURES_SHOWN)) out(`       ${failure}`)
}

const FIGURES = ['failed', 'p50 ms', 'p99 ms']

function figuresOf({ answered, failed, p50Ms, p99Ms }: Stretch, versions: readonly string[]): string[] {
  const counts = [...versions.map((version) => answered.get(version) ?? 0), failed]
  return [...counts.map(grouped), p50Ms.toFixed(1), p99Ms.toFixed(1)]
}

function row(name: string, cells: readonly string[]): string {
  return name.padEnd(10) + cells.map((cell) => cell.padStart(11)).join('')
}
