import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'

const DOCS = path.resolve(import.meta.dirname, '../../docs')
const PAGE = readFileSync(path.join(DOCS, 'anomalies.md'), 'utf8')

/** What is said of a test, which are words of its title, and where it is. */
const SHOWN = [...PAGE.matchAll(/\[([^\]]+)\]\((\.\.\/test\/[^)]+)\)/g)].map(
  ([, title = '', file = '']) => [title, file] as const,
)

describe('docs/anomalies.md', () => {
  test.for(SHOWN)('names a test that is there: %s', ([title, file]) => {
    const found = path.resolve(DOCS, file)
    expect(existsSync(found), file).toBe(true)
    expect(readFileSync(found, 'utf8')).toContain(title)
  })

  test('names one in each row of its tables', () => {
    const rows = PAGE.split('\n').filter(
      (line) => line.startsWith('| ') && !/^\| (what|taken|---)/.test(line),
    )
    expect(rows.length).toBeGreaterThan(20)
    expect(rows.filter((row) => !row.includes('](../test/'))).toEqual([])
  })
})
