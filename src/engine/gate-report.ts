import { brownoutAbsent } from '../core/gate/brownout.ts'
import type { Absent, GateCheck } from '../core/gate/check.ts'
import { gateChecks } from '../core/gate/checks.ts'
import { countedOf } from '../core/gate/counted.ts'
import { isOpen, type Usage, usageOf } from '../core/gate/gate.ts'
import type { Look } from '../core/gate/stood.ts'
import { leaverOf } from '../core/plan/leaver.ts'
import type { Thing } from '../core/plan/thing.ts'
import { gatesAhead } from '../core/run/due.ts'
import type { Run } from '../core/run/run.ts'
import type { QualifiedName } from '../core/schema/model.ts'
import type { Engine } from './context.ts'
import { gatherEvidence } from './evidence.ts'
import { rulesFrom } from './gate.ts'

/** What a gate would say at this moment. */
export interface GateReport {
  readonly table: QualifiedName
  /** Absent where the table itself is to go. */
  readonly column?: string
  /** What else is to go, on that table or on none. */
  readonly thing?: Thing
  readonly usage: Usage
  readonly checks: readonly GateCheck[]
  readonly absent: readonly Absent[]
  readonly open: boolean
}

/** What each gate that a run has still to pass would say. No more than a look: no door is closed. */
export async function reportGates(
  engine: Engine,
  run: Run,
  look: Look = 'glance',
): Promise<readonly GateReport[]> {
  const reports: GateReport[] = []
  for (const gate of gatesAhead(run)) {
    const facts = await gatherEvidence(engine, run, gate, look)
    const checks = gateChecks(facts, rulesFrom(engine.settings.gate))
    reports.push({
      ...leaverOf(gate),
      usage: usageOf(facts, checks),
      checks,
      absent: brownoutAbsent(facts.column, {
        ...(gate.counter === undefined ? {} : { counted: countedOf(gate) }),
        isMade: facts.brownout !== undefined,
        migration: facts.migration,
      }),
      open: isOpen(checks),
    })
  }
  return reports
}
