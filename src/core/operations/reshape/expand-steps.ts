import { setColumnState } from '../../plan/column-state.ts'
import { unfilledOf } from '../../plan/dual-write.ts'
import type { Hazard } from '../../plan/hazard.ts'
import { installCounterSql } from '../../plan/old-writes.ts'
import { onTable } from '../../plan/on-table.ts'
import { all, columnExists, dualWriteStands } from '../../plan/probes.ts'
import { installSql } from '../../plan/row-trigger.ts'
import type { StepDraft } from '../../plan/step.ts'
import type { Tried } from '../../plan/tried.ts'
import { primaryKey } from '../../schema/model.ts'
import { id, join, qualified, sql, trusted } from '../../sql.ts'
import { said, sides } from './parts.ts'
import type { Work } from './work.ts'

/** The new columns and the trigger that keeps them in step, at once. */
export function expandSteps(work: Work, hazards: readonly Hazard[]): readonly StepDraft[] {
  const { table, news, counting, duty, installed } = work
  const added = news.map(({ name, type }) => sql`add column ${id(name)} ${trusted(type)}`)
  return [
    {
      ...onTable(table),
      kind: 'install_dual_write',
      shares: { table, at: 'install', duty },
      phase: 'expand',
      does: `add ${said(news)} to "${table.name}", and keep them and ${said(work.olds)} in step`,
      hazards,
      probe: all([...news.map(({ name }) => columnExists(table, name)), dualWriteStands(installed)]),
      statements: [
        sql`alter table ${qualified(table)} ${join(added)}`,
        ...installSql(installed),
        ...installCounterSql(counting),
        ...news.map(({ name }) => setColumnState(table, name, 'not_ready')),
      ],
    },
  ]
}

export function fillSteps(work: Work): readonly StepDraft[] {
  const { table, news, mapping } = work
  const [from, to] = sides(work)
  const values = mapping.up(from)
  return [
    {
      kind: 'backfill',
      shares: { table, at: 'fill', columns: news.map(({ name }) => name) },
      phase: 'backfill',
      does: `fill ${said(news)} from ${said(work.olds)} where "${table.name}" still lacks them`,
      hazards: [],
      table,
      set: join(news.map(({ name }, at) => sql`${id(name)} = ${values[at] ?? trusted('null')}`)),
      unfilled: unfilledOf(mapping, from, to),
      tries: triesOf(work),
      key: primaryKey(table),
    },
  ]
}

function triesOf({ news, olds, mapping }: Work): readonly Tried[] {
  const from = olds.map(({ name }) => name)
  const values = mapping.up(from.map((name) => sql`new.${id(name)}`))
  return news.map(({ name, type, nullable }, at) => ({
    column: name,
    called: name,
    type: trusted(type),
    from,
    values: values.slice(at, at + 1),
    notNull: !nullable,
  }))
}
