import { BellowsError } from '../../core/errors.ts'

/** Where in a file; both from 1. */
export interface Place {
  readonly line: number
  readonly column: number
}

/** One thing that is wrong in a file. */
export interface Problem {
  readonly message: string
  readonly place?: Place | undefined
}

/** All that is wrong in a file, each with its place, as editors and terminals can open it. */
export function invalidFile(file: string, found: readonly Problem[]): BellowsError {
  const problems = found.toSorted((a, b) => orderOf(a) - orderOf(b))
  const lines = problems.map(({ message, place }) =>
    place === undefined ? `${file}: ${message}` : `${file}:${place.line}:${place.column}: ${message}`,
  )
  const message =
    lines.length === 1
      ? lines.join('')
      : [`${lines.length} problems:`, ...lines.map((line) => `- ${line}`)].join('\n')
  return new BellowsError('migration_invalid', message, {
    hint: 'docs/migrations.md shows the format of every operation.',
    facts: { problems: problems.map(({ message: text, place }) => ({ message: text, ...place })) },
  })
}

/** Lines are shorter than this. */
const COLUMNS_MAX = 1e6

function orderOf({ place }: Problem): number {
  return place === undefined ? 0 : place.line * COLUMNS_MAX + place.column
}
