import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { parseMigration } from '../../../src/adapters/files/migration-format.ts'
import { withKeysReversed } from '../../support/other-order.ts'
import { blocksIn } from '../../support/page.ts'

const PAGES = path.resolve(import.meta.dirname, '../../../docs/operations')
const EXAMPLES = readdirSync(PAGES).flatMap((file) =>
  blocksIn(readFileSync(path.join(PAGES, file), 'utf8'))
    .filter(({ language, text }) => language === 'yaml' && text.startsWith('operations:\n'))
    .map(({ text }) => [file, parse(text) as unknown] as const),
)

test.for(EXAMPLES)('a migration is the same in whatever order its keys are written: %s', ([, content]) => {
  const read = parseMigration(content)
  expect(read.ok).toBe(true)
  expect(parseMigration(withKeysReversed(content))).toEqual(read)
})

test('columns come in the order of their names, also those that are numbers', () => {
  const part = (up: string) => ({ type: 'text', up })
  const splitInto = (to: object) =>
    parseMigration({
      operations: [{ split_column: { table: 'users', from: 'name', to, down: `b || "1"` } }],
    })
  const read = splitInto({ b: part('1'), '1': part('2'), B: part('3') })
  expect(read).toMatchObject({ operations: [{ to: [{ name: '1' }, { name: 'B' }, { name: 'b' }] }] })
  expect(splitInto({ B: part('3'), '1': part('2'), b: part('1') })).toEqual(read)
  expect(
    parseMigration({
      operations: [
        {
          move_column: {
            from: { table: 'users', column: 'bio' },
            to: { table: 'profiles', column: 'bio' },
            on: { tenant: 't', id: 'i' },
          },
        },
      ],
    }),
  ).toMatchObject({
    operations: [
      {
        on: [
          { target: 'id', source: 'i' },
          { target: 'tenant', source: 't' },
        ],
      },
    ],
  })
})
