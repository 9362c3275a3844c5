import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { jsonSchema } from '../../../src/adapters/files/json-schema.ts'
import { OPERATION_FORMATS, parseMigration } from '../../../src/adapters/files/migration-format.ts'

const EXAMPLES = path.resolve(import.meta.dirname, '../../../examples/migrations')
const PUBLISHED = path.resolve(import.meta.dirname, '../../../migration.schema.json')

test('the published schema is the one of the formats', async () => {
  await expect(`${JSON.stringify(jsonSchema(), null, 2)}\n`).toMatchFileSnapshot(PUBLISHED)
})

test('offers every kind of operation', () => {
  const { properties } = jsonSchema() as { properties: { operations: { items: { properties: object } } } }
  expect(Object.keys(properties.operations.items.properties)).toEqual(Object.keys(OPERATION_FORMATS))
})

describe('the schema and the reader agree', () => {
  const examples = readdirSync(EXAMPLES).filter((name) => name.endsWith('.yaml'))

  test.each(examples)('to take the example %s', (name) => {
    const content: unknown = parse(readFileSync(path.join(EXAMPLES, name), 'utf8'))
    expect([byReader(content), bySchema(content)]).toEqual([true, true])
  })

  const byReader = (content: unknown) => parseMigration(content).ok
  const schema = z.fromJSONSchema(jsonSchema() as Parameters<typeof z.fromJSONSchema>[0])
  const bySchema = (content: unknown) => schema.safeParse(content).success

  const one = (operation: unknown) => ({ operations: [operation] })
  const column = { table: 'users', column: 'a' }

  test.each<[unknown]>([
    [one({ drop_column: column })],
    [{ $schema: './migration.schema.json', ...one({ drop_column: column }) }],
    [one({ drop_column: { ...column, namespace: 'app' } })],
    [one({ add_column: { ...column, type: 'int', nullable: false, default: 0 } })],
    [one({ add_column: { ...column, type: 'int', default: 'now()' } })],
    [one({ add_column: { ...column, type: 'int', default: true } })],
    [
      one({
        rename_column: { table: 'users', from: 'a', to: 'b', transform: 'trim', overlap: 'forward_only' },
      }),
    ],
    [{ operations: [{ drop_column: column }, { drop_column: { ...column, column: 'b' } }] }],
  ])('to take %j', (content) => {
    expect([byReader(content), bySchema(content)]).toEqual([true, true])
  })

  test.each<[unknown]>([
    [null],
    [[]],
    [{}],
    [{ operations: [] }],
    [{ operations: {} }],
    [{ operations: ['x'] }],
    [{ ...one({ drop_column: column }), name: 'x' }],
    [one({})],
    [one({ drop_column: column, add_column: { ...column, type: 'int' } })],
    [one({ drop_colum: column })],
    [one({ drop_column: null })],
    [one({ drop_column: { table: 'users' } })],
    [one({ drop_column: { table: '', column: 'a' } })],
    [one({ drop_column: { ...column, cascade: true } })],
    [one({ drop_column: { table: 1, column: 'a' } })],
    [one({ add_column: { ...column, type: 'int', default: null } })],
    [one({ add_column: { ...column, type: 'int', nullable: 'no' } })],
    [one({ rename_column: { table: 'users', from: 'a', to: 'b', transform: 'rot13' } })],
    [one({ rename_column: { table: 'users', from: 'a' } })],
  ])('to refuse %j', (content) => {
    expect([byReader(content), bySchema(content)]).toEqual([false, false])
  })
})
