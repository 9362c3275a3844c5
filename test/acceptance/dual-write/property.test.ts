import fc from 'fast-check'
import pg from 'pg'
import { expect, test } from 'vitest'
import { BellowsError } from '../../../src/core/errors.ts'
import type { Bellows } from '../../../src/engine/bellows.ts'
import { type TestDatabase, testDatabase } from '../../support/database.ts'
import { beforeBarrier, type Command, commands, happens, type Model } from './model.ts'
import { describeError, MAPPINGS, makePair, rename, TWO_VALUES } from './support.ts'

const literal = (value: string | null | undefined) => (value == null ? 'null' : pg.escapeLiteral(value))

function statementOf(table: string, command: Command): string {
  switch (command.do) {
    case 'insert': {
      const { id, do: _, ...given } = command
      const [columns, values] = [Object.keys(given), Object.values(given).map(literal)]
      return `insert into ${table} (${['id', ...columns].join()}) values (${[id, ...values].join()}) on conflict do nothing`
    }
    case 'update': {
      const { id, do: _, ...given } = command
      const set = Object.entries(given).map(([column, value]) => `${column} = ${literal(value)}`)
      return `update ${table} set ${['seen = seen + 1', ...set].join()} where id = ${id}`
    }
    case 'upsert':
      return `insert into ${table} (id, ${command.column}) values (${command.id}, ${literal(command.value)})
        on conflict (id, region) do update set ${command.column} = excluded.${command.column}`
    case 'write back': {
      const { id, column } = command
      const other = column === 'name' ? 'full_name' : 'name'
      return `update ${table} set seen = seen, ${other} = ${other}, ${column} = ${literal(command.value)} where id = ${id}`
    }
    case 'touch':
      return `update ${table} set seen = seen + 1 where id = ${command.id}`
    case 'move':
      return `update ${table} set region = 2 where id = ${command.id}; update ${table} set region = 1 where id = ${command.id}`
    case 'delete':
      return `delete from ${table} where id = ${command.id}`
    case 'change and roll back':
      return `begin; update ${table} set full_name = ${literal(command.value)} where id = ${command.id}; rollback`
    case 'fill':
      return `update ${table} set full_name = name where id between ${command.from} and ${command.to}
        and full_name is null and name is not null`
  }
}

async function write(
  database: TestDatabase,
  table: string,
  model: Model,
  command: Command,
  byDefault: string | null,
) {
  const expected = happens(model, command, byDefault)
  const ended = await database.query(statementOf(table, command)).then(() => 'done', describeError)
  expect(ended, JSON.stringify(command)).toBe(expected ? 'done' : TWO_VALUES)
}

async function expectTable(database: TestDatabase, table: string, model: Model): Promise<void> {
  const rows = await database.query<{ id: number; name: string | null; full_name: string | null }>(
    `select id, name, full_name from ${table} order by id`,
  )
  const expected = [...model]
    .toSorted(([a], [b]) => a - b)
    .map(([id, { value, isFilled }]) => ({ id, name: value, full_name: isFilled ? value : null }))
  expect(rows).toEqual(expected)
}

test('any sequence of writes through both columns, between batches of a backfill, leaves the two the same', async () => {
  const database = await testDatabase()
  const ids = 6
  await fc.assert(
    fc.asyncProperty(
      fc.array(beforeBarrier(ids), { maxLength: 6 }),
      fc.array(commands(ids), { minLength: 1, maxLength: 40, size: 'max' }),
      fc.constantFrom(null, 'd'),
      fc.boolean(),
      async (old, sequence, byDefault, partitioned) => {
        const pair = await makePair(database, {
          mapping: MAPPINGS.lossless,
          partitioned,
          ...(byDefault === null ? {} : { default: [`'${byDefault}'`, 'stable'] as const }),
        })
        await pair.before(new Map(old.map(([id, name]) => [id, [name, null] as const])))
        const model: Model = new Map(old.map(([id, value]) => [id, { value, isFilled: false }]))
        await pair.install()
        for (const command of sequence) {
          await write(database, pair.table, model, command, byDefault)
          await expectTable(database, pair.table, model)
        }
        await write(database, pair.table, model, { do: 'fill', from: 1, to: ids }, byDefault)
        await expectTable(database, pair.table, model)
        expect(
          await database.query(`select from ${pair.table} where full_name is distinct from name`),
        ).toEqual([])
      },
    ),
    { numRuns: 100 },
  )
})

test('the same holds for the backfill of the engine, stopped and taken up again between any writes', async () => {
  const database = await testDatabase()
  let batchesLeft = 0
  const bellows = await database.bellows({
    settings: { batch: { rows: 40, verifyRows: 40 } },
    isStopping: () => {
      batchesLeft -= 1
      return batchesLeft < 0
    },
  })
  const rows = 200
  let runs = 0
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 1, max: 12 }), fc.array(commands(rows + 50), { maxLength: 12 })), {
        maxLength: 6,
      }),
      async (stretches) => {
        runs += 1
        const name = `people${runs}`
        const migration = { name: `run_${runs}`, operations: [rename({ table: name })] }
        await database.query(`create table public.${name} (id integer, region integer default 1, seen integer default 0, name text,
            primary key (id, region));
          insert into public.${name} (id, name) select i, nullif(chr(96 + i % 5), '\`') from generate_series(1, ${rows}) i`)
        const model: Model = new Map()
        batchesLeft = Number.POSITIVE_INFINITY
        await bellows.change((driver) => driver.advance(migration, 'expand'))
        for (const [batches, sequence] of stretches) {
          batchesLeft = batches
          await advanceOrStop(bellows, migration)
          await adopt(database, name, model)
          for (const command of sequence.filter((one) => one.do !== 'fill')) {
            const expected = happens(model, command, null)
            const ended = await database.query(statementOf(name, command)).then(
              () => true,
              () => false,
            )
            expect(ended, JSON.stringify(command)).toBe(expected)
          }
          await expectTable(database, name, model)
        }
        batchesLeft = Number.POSITIVE_INFINITY
        await adopt(database, name, model)
        await bellows.change((driver) => driver.advance(migration, 'verify'))
        for (const [id, row] of model) model.set(id, { ...row, isFilled: true })
        await expectTable(database, name, model)
        expect(await database.query(`select from ${name} where full_name is distinct from name`)).toEqual([])
      },
    ),
    { numRuns: 8 },
  )
})

type Migration = Parameters<Bellows['plan']>[0]

async function advanceOrStop(bellows: Bellows, migration: Migration): Promise<void> {
  try {
    await bellows.change((driver) => driver.advance(migration, 'backfill'))
  } catch (error) {
    if (!(error instanceof BellowsError) || error.code !== 'interrupted') throw error
  }
}

/** Takes the rows that the engine filled meanwhile as filled; their values must not have changed. */
async function adopt(database: TestDatabase, table: string, model: Model): Promise<void> {
  const rows = await database.query<{ id: number; name: string | null; full_name: string | null }>(
    `select id, name, full_name from ${table}`,
  )
  if (model.size > 0) {
    expect(new Map(rows.map(({ id, name }) => [id, name]))).toEqual(
      new Map([...model].map(([id, { value }]) => [id, value])),
    )
  }
  for (const { id, name, full_name } of rows) {
    const isFilled = full_name !== null || name === null
    if (model.get(id)?.isFilled === true) expect(isFilled, `row ${id} stays filled`).toBe(true)
    if (full_name !== null) expect(full_name).toBe(name)
    model.set(id, { value: name, isFilled })
  }
}
