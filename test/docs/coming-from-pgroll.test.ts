import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const DOCS = path.resolve(import.meta.dirname, '../../docs')

test('docs/coming-from-pgroll.md says of each operation what it was there, or that it was not', () => {
  const page = readFileSync(path.join(DOCS, 'coming-from-pgroll.md'), 'utf8')
  const rows = page.split('\n').filter((line) => line.startsWith('| '))
  const kinds = readdirSync(path.join(DOCS, 'operations')).map((file) =>
    file.replace('.md', '').replaceAll('-', '_'),
  )
  expect(kinds.length).toBeGreaterThan(25)
  expect(kinds.filter((kind) => !rows.some((row) => row.includes(`\`${kind}\``)))).toEqual([])
})
