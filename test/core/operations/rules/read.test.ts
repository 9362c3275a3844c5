import { expect, test } from 'vitest'
import { readExclusion } from '../../../../src/core/operations/rules/read.ts'

test.each([
  ['using gist (room with =, during with &&)', ['room', 'during'], ['room', 'during']],
  ['using gist (room with =) include (note, room)', ['room'], ['room', 'note']],
  ['using gist (lower(name) with =) include ("At") where (team > 0)', [], ['name', 'team', 'At']],
])('%s needs every column that it names, also one that it only carries along', (text, columns, uses) => {
  expect(readExclusion(text)).toMatchObject({ columns, uses })
})
