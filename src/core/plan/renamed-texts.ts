import type { Operation } from '../operations/migration.ts'
import { requalify, type TableRenaming } from '../requalify.ts'

/** An operation whose texts name columns with their table, by another name of that. The mapping of a copy never does. */
export function withRequalified(op: Operation, table: TableRenaming): Operation {
  const renamed = (text: string) => requalify(text, 'expression', table)
  switch (op.kind) {
    case 'create_index':
    case 'replace_index':
      return { ...op, definition: requalify(op.definition, 'statement', table) }
    case 'add_constraint': {
      const { exclude } = op
      const excluding = exclude === undefined ? {} : { exclude: requalify(exclude, 'exclusion', table) }
      return { ...mapped(op, ['check'], renamed), ...excluding }
    }
    case 'add_column':
      return checked(mapped(op, ['up', 'generated'], renamed), renamed)
    case 'alter_column':
      return checked(op, renamed)
    case 'drop_column':
      return mapped(op, ['down'], renamed)
    default:
      return op
  }
}

type Change = (text: string) => string

function mapped<T extends object>(of: T, fields: readonly (keyof T)[], change: Change): T {
  const texts = fields.flatMap((field) => {
    const text = of[field]
    return typeof text === 'string' ? [[field, change(text)]] : []
  })
  return { ...of, ...Object.fromEntries(texts) }
}

type Checked = Extract<Operation, { kind: 'add_column' | 'alter_column' }>

function checked<O extends Checked>(op: O, change: Change): O {
  return op.check === undefined ? op : { ...op, check: mapped(op.check, ['constraint'], change) }
}
