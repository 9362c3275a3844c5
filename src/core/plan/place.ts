import { canonical } from '../hash.ts'
import type { Migration } from '../operations/migration.ts'
import type { Context } from '../operations/operation.ts'
import { isCopying, oldName } from './copies.ts'
import { namesFor } from './names.ts'
import { theTable } from './table-checks.ts'

type Place = Pick<Context, 'seed' | 'droppedBefore' | 'renamedBehind' | 'hiddenBehind'>

/** Where each operation stands in its migration: what else becomes of its table, and what is dropped. Names are found once, and not by each that asks. */
export function placesOf({ name, operations }: Migration): (at: number) => Place {
  const all = operations.map((op, at) => ({ op, at, seed: canonical([name, at, op]) }))
  const drops = all.flatMap(({ op, at, seed }) =>
    op.kind === 'drop_table' ? [{ at, drop: { table: theTable(op), seed } }] : [],
  )
  const copies = all.flatMap(({ op, at, seed }) => {
    if (!isCopying(op)) return []
    const { hidden } = namesFor(seed, oldName(op), [])
    return [{ op, at, column: { table: theTable(op), column: oldName(op), hidden } }]
  })
  return (at) => {
    const op = operations[at]
    const table = op !== undefined && 'table' in op ? op.table : undefined
    const behind = copies.filter((copy) => copy.at > at && copy.column.table.name === table)
    return {
      seed: all[at]?.seed ?? '',
      droppedBefore: drops.filter((one) => one.at < at).map(({ drop }) => drop),
      renamedBehind: behind.flatMap(({ op, column }) => (op.kind === 'rename_column' ? [column] : [])),
      hiddenBehind: behind.map(({ column }) => column),
    }
  }
}
