import type { DatabaseObject } from '../../objects/database-object.ts'
import type { Tree } from '../../parse.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { findTable, type Schema, type Trigger, withTable } from '../../schema/model.ts'

/** Bits of `pg_trigger.tgtype`, which the parser uses as well. */
const [BEFORE, INSERT, UPDATE] = [2, 4, 16]

/** What fires does so for instances of both versions. */
export function firesForAll(trigger: string): Hazard {
  return {
    code: 'may_break',
    because: `The ${trigger} fires for instances of both versions: where it raises an error their writes fail, and what it changes they have not written.`,
  }
}

/** The model knows the triggers of a table, because the dual write must fire behind them. */
export function withTrigger(schema: Schema, object: DatabaseObject, statement: Tree.Node): Schema {
  if (!('CreateTrigStmt' in statement)) return schema
  const { trigname = '', row, timing, events = 0 } = statement.CreateTrigStmt
  return changed(schema, object, [
    {
      name: trigname,
      enabled: true,
      rowLevel: row === true,
      before: timing === BEFORE,
      onInsert: (events & INSERT) !== 0,
      onUpdate: (events & UPDATE) !== 0,
      asksForBackfill: JSON.stringify(statement).includes('bellows.backfill'),
      text: '',
    },
  ])
}

export function withoutTrigger(schema: Schema, object: DatabaseObject): Schema {
  return object.kind === 'trigger' ? changed(schema, object, []) : schema
}

function changed(schema: Schema, { name, on }: DatabaseObject, now: readonly Trigger[]): Schema {
  const table = on === undefined ? undefined : findTable(schema, on)
  if (table === undefined) return schema
  const others = table.triggers.filter((one) => one.name !== name.name)
  return withTable(schema, { ...table, triggers: [...others, ...now] })
}
