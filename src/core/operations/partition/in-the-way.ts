import type { Inspection } from '../../plan/inspection.ts'
import type { StepDraft } from '../../plan/step.ts'
import { cameLate } from '../../plan/telling.ts'
import type { QualifiedName } from '../../schema/model.ts'
import { nameOf } from '../../schema/name-of.ts'
import { lit, qualified, type Sql, sql } from '../../sql.ts'

/** Rows because of which one table cannot become a partition of the other. */
export interface InTheWay {
  readonly table: QualifiedName
  readonly where: Sql
  /** As whoever looks for them would say. */
  readonly what: string
  /** What is wrong with them, as the beginning of a sentence. */
  readonly otherwise: string
}

const ROWS_SHOWN = 5

/** Before anything is changed. */
export function lookStep(rows: InTheWay): StepDraft {
  return {
    kind: 'inspect',
    phase: 'expand',
    does: `look for ${rows.what}`,
    hazards: [],
    ...inspection(rows),
  }
}

function inspection({ table, where, otherwise }: InTheWay): Inspection {
  return {
    table: nameOf(table),
    offenders: sql`select * from ${qualified(table)} where ${where} limit ${lit(ROWS_SHOWN)}`,
    otherwise: `${otherwise}, so it cannot be attached; nothing was changed.`,
    hint: 'Move or delete those rows, and run the same command again.',
  }
}

/** Of rows that came behind that look. Whoever writes them may go on: as soon as it is a partition, they go where they belong. */
export function lateLook(rows: InTheWay, part: Pick<QualifiedName, 'name'>): Inspection {
  return {
    ...cameLate(inspection(rows), rows.otherwise, `the partition "${part.name}"`),
    hint: 'Move or delete those rows, and run the same command again: it goes on with this step.',
  }
}
