import { expect, test } from 'vitest'
import { nearest } from '../../src/core/nearest.ts'

test.each([
  ['too', ['to', 'from', 'table'], 'to'],
  ['form', ['to', 'from', 'table'], 'from'],
  ['tabel', ['to', 'from', 'table'], 'table'],
  ['Column', ['column', 'columns'], 'column'],
  ['add_colum', ['add_column', 'drop_column'], 'add_column'],
  ['rename_colmun', ['rename_column', 'rename_table'], 'rename_column'],
  ['cascade', ['namespace', 'table', 'column'], undefined],
  ['a', ['b', 'column'], 'b'],
  ['xy', ['ab'], undefined],
  ['', ['table'], undefined],
  ['table', [], undefined],
])('%j among %j was probably meant as %j', (name, known, meant) => {
  expect(nearest(name, known)).toBe(meant)
})
