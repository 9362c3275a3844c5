import { compileAnewSql } from '../../plan/compiled-anew.ts'
import { allBound, nothingIsBound } from '../../plan/dependents.ts'
import { all, columnAbsent, columnExists } from '../../plan/probes.ts'
import { noStrangers, renameSql } from '../../plan/retire.ts'
import { functionSql } from '../../plan/row-trigger.ts'
import type { Requirement, StepDraft } from '../../plan/step.ts'
import { id, qualified, type Sql, sql, trusted } from '../../sql.ts'
import { letGoSql, moveDefaultSql, readyRequirements } from '../copy/leave-steps.ts'
import type { Work } from '../copy/work.ts'

/** Both columns get their new names at once: nobody sees the table without the one that everybody uses. */
export function swapStep(work: Work): StepDraft {
  const { table, from, to, leaving, mapping, hidden } = work
  return {
    kind: 'retire',
    shares: { table, at: 'hide' },
    phase: 'retire',
    does: `have "${from}" of "${table.name}" be the new column, and hide the old one`,
    hazards: [],
    probe: all([columnAbsent(table, to), columnExists(table, leaving.hidden)]),
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [noStrangers(leaving, from), goesAlone(work), ...readyRequirements(work)],
    statements: [
      renameSql(table, from, leaving.hidden),
      renameSql(table, to, from),
      ...(mapping.down === undefined ? letGoSql(work) : [functionSql(hidden)]),
      // Everybody writes the new column from now on, so a default of the old one would never be asked for.
      ...moveDefaultSql(work),
      compileAnewSql([table]),
    ],
    cost: 'instant',
  }
}

/** Undoes `swapStep`: instant and lossless, because the hidden column was kept in step. */
export function swapBackStep(work: Work): StepDraft {
  const { table, from, to, leaving, installed } = work
  return {
    kind: 'ddl',
    shares: { table, at: 'show' },
    phase: 'retire',
    does: `have "${from}" of "${table.name}" be the old column again`,
    hazards: [],
    // Also where the run had not come to add the new column.
    probe: all([columnExists(table, from), columnAbsent(table, leaving.hidden)]),
    locks: [{ relation: table, level: 'access_exclusive' }],
    requires: [staysBehind(work)],
    statements: [
      ...returnDefaultSql(work),
      renameSql(table, from, to),
      renameSql(table, leaving.hidden, from),
      functionSql(installed),
      compileAnewSql([table]),
    ],
    cost: 'instant',
  }
}

/** What is bound to the old column would go along as that is hidden. */
export function goesAlone({ table, from }: Work, known: readonly string[] = []): Requirement {
  return {
    that: nothingIsBound(table, from, known),
    code: 'dependents_found',
    otherwise: `something depends on "${table.name}"."${from}" and would go along with the old column; drop it, contract, and make it anew`,
    which: allBound(table, from, known),
  }
}

/** What was made behind the contract is bound to the new column, and would go along as that is hidden, and dropped. */
export function staysBehind({ table, from }: Work, known: readonly string[] = []): Requirement {
  return {
    that: nothingIsBound(table, from, known),
    code: 'dependents_found',
    otherwise: `something is bound to "${table.name}"."${from}" as it is since the contract, and would go along with it; drop it, run the same command again, and make it anew`,
    which: allBound(table, from, known),
  }
}

export function returnDefaultSql({ table, from, leaving, fromColumn }: Work): readonly Sql[] {
  if (fromColumn.default === null) return []
  return [
    sql`alter table ${qualified(table)} alter column ${id(from)} drop default, alter column ${id(leaving.hidden)} set default ${trusted(fromColumn.default)}`,
  ]
}
