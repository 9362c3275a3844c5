import { assert } from '../../errors.ts'
import { isAsRemembered, type Printed, rememberMade } from '../../objects/left-object.ts'
import { behindGate } from '../../plan/behind-gate.ts'
import { ofEverybody } from '../../plan/leaver.ts'
import { columnExists } from '../../plan/probes.ts'
import type { InspectStep, Phase, Requirement, StepDraft } from '../../plan/step.ts'
import type { Facts } from '../../schema/facts.ts'
import { id, lit, qualified, type Sql, shown, sql, trusted } from '../../sql.ts'
import { oldWritersHazard } from '../rules/put-up.ts'
import { ROWS_SHOWN, VALUE_CHARACTERS } from '../rules/shown-rows.ts'
import {
  currentDefault,
  domainDefaultIs,
  domainDefaultIsElse,
  hasDomainCheck,
  hasOtherColumns,
} from './catalog.ts'
import {
  type AlterDomain,
  conditionSql,
  type Known,
  printedDefault,
  shownDomain,
  theDomain,
} from './domain.ts'

/** No table is locked by any of it: PostgreSQL locks and reads those of a domain only to prove a constraint. */
function alterStep(op: AlterDomain, change: Sql) {
  return {
    kind: 'ddl',
    locks: [],
    requires: [],
    statements: [sql`alter domain ${qualified(theDomain(op))} ${change}`],
    cost: 'instant',
  } as const
}

/** A default is given for the new version, and taken when the old one is gone. */
export function defaultSteps(op: AlterDomain, known: Known, facts: Facts): readonly StepDraft[] {
  if (op.default === undefined) return []
  const ofOurs = {
    makes: madeDefault(op),
    requires: [defaultRequired(op, domainDefaultIs(theDomain(op), known.default), 'the plan was made')],
  }
  if (op.default === null)
    return behindGate(ofEverybody(`the default of the domain ${shownDomain(op)}`), {
      ...alterStep(op, sql`drop default`),
      phase: 'retire',
      does: `take the default of the domain ${shownDomain(op)} away`,
      hazards: [
        {
          code: 'old_writers_may_fail',
          because: `From this step on an INSERT without a column of "${op.domain}" that has no default of its own brings NULL, or fails where that is not allowed. So contract when no instance runs that leaves it out.`,
        },
      ],
      probe: domainDefaultIs(theDomain(op), null),
      ...ofOurs,
    })
  const set = alterStep(op, sql`set default ${trusted(op.default)}`)
  const to = printedDefault(op, facts)
  return [
    {
      ...set,
      statements: [...set.statements, ...(to === undefined ? [rememberMade(theDefault(op))] : [])],
      phase: 'expand',
      does: `give the domain ${shownDomain(op)} another default`,
      hazards: [
        {
          code: 'same_default',
          because: `Instances of both versions share the default: an INSERT of the old version without a column of "${op.domain}" gets ${op.default} from this step on, where the column has no default of its own.`,
        },
      ],
      probe:
        to === undefined
          ? domainDefaultIsElse(theDomain(op), known.default)
          : domainDefaultIs(theDomain(op), to),
      ...ofOurs,
    },
  ]
}

/** Another default than the one of the plan, or than ours, is of somebody else: it is neither adopted nor overwritten. */
function defaultRequired(op: AlterDomain, that: Sql, since: string): Requirement {
  return {
    that,
    code: 'drift_found',
    otherwise: `somebody else has changed the default of the domain ${shownDomain(op)} since ${since}`,
  }
}

export function defaultBackSteps(op: AlterDomain, known: Known, facts: Facts): readonly StepDraft[] {
  if (op.default === undefined) return []
  const before = known.default
  const to = printedDefault(op, facts)
  const isOurs = to === undefined ? isAsRemembered(theDefault(op)) : domainDefaultIs(theDomain(op), to)
  return [
    {
      ...alterStep(op, before === null ? sql`drop default` : sql`set default ${trusted(before)}`),
      phase: op.default === null ? 'retire' : 'expand',
      does: `give the domain ${shownDomain(op)} its default back`,
      hazards: [],
      probe: domainDefaultIs(theDomain(op), before),
      requires: [defaultRequired(op, isOurs, 'this migration did')],
      unmakes: madeDefault(op),
    },
  ]
}

/** Looks for values that a new check would refuse: for them every statement that writes the column again would fail. */
export function lookSteps(op: AlterDomain, known: Known, phase: Phase): readonly StepDraft[] {
  const { check } = op
  if (check === undefined) return []
  return looks(op, known, check, {
    phase,
    does: 'look for values',
    otherwise: `so the check "${check.name}" of the domain "${op.domain}" cannot come up; nothing was changed.`,
    hint: 'Change or delete these rows, and run the same command again.',
  })
}

/** The same behind it. Nothing ever proves it, so values that came in before it and behind the last look would stay for good. */
export function lateLookSteps(op: AlterDomain, known: Known): readonly StepDraft[] {
  const { check } = op
  if (check === undefined) return []
  return looks(op, known, check, {
    phase: 'retire',
    does: 'look for values that came in at the last moment',
    otherwise: `which the check "${check.name}" of the domain "${op.domain}" refuses by now: they came behind the last look, and before it was up.`,
    hint: 'Change or delete these rows, and run the same command again: it goes on with this step.',
  })
}

type Said = Pick<InspectStep, 'phase' | 'does' | 'otherwise' | 'hint'>

function looks(
  op: AlterDomain,
  known: Known,
  check: NonNullable<AlterDomain['check']>,
  { phase, does, otherwise, hint }: Said,
): readonly StepDraft[] {
  const condition = conditionSql(check)
  return known.columns.map(({ namespace, table: name, column }) => {
    const table = { namespace, name }
    const rows = sql`select ctid::pg_catalog.text as ${id('ctid')}, ${id(column)} as value from ${qualified(table)}`
    return {
      kind: 'inspect',
      phase,
      does: `${does} of "${name}"."${column}" against the check of the domain ${shownDomain(op)}`,
      hazards: [],
      table,
      offenders: sql`select ${id('ctid')}, pg_catalog.left(value::pg_catalog.text, ${lit(VALUE_CHARACTERS)}) as ${id(column)} from (${rows}) r where not (${condition}) limit ${lit(ROWS_SHOWN)}`,
      // Another migration may have dropped it since the plan was made: what has gone has no values. Renamed it has them still.
      requires: [
        {
          that: sql`${columnExists(table, column)} or not ${hasOtherColumns(theDomain(op), known.columns)}`,
          code: 'drift_found',
          otherwise: `"${name}"."${column}" is not there any more, and a column of the domain ${shownDomain(op)} is that the plan does not know; it was renamed, as it seems: roll back, and begin anew`,
        },
      ],
      whileHidden: [{ when: sql`not ${columnExists(table, column)}`, offenders: sql`select where false` }],
      otherwise: `Rows of "${name}" break ${check.constraint}, ${otherwise}`,
      hint: `${hint} Find out who writes such rows: it must not do so any more.`,
    }
  })
}

export function checkSteps(op: AlterDomain): readonly StepDraft[] {
  const { check } = op
  if (check === undefined) return []
  const called = `what the check ${shown(check.name)} of the domain ${shownDomain(op)} refuses`
  return behindGate(ofEverybody(called), {
    ...alterStep(op, sql`add constraint ${id(check.name)} check (${conditionSql(check)}) not valid`),
    phase: 'retire',
    does: `put the check "${check.name}" on the domain ${shownDomain(op)} for new values`,
    hazards: [
      oldWritersHazard(`brings a value of "${op.domain}" against ${check.constraint}`, 'after_rollout'),
      {
        code: 'stays',
        because: `The check stays NOT VALID: to prove it, PostgreSQL locks every table that uses "${op.domain}" against writers for as long as it reads them. New values keep to it all the same.`,
      },
    ],
    probe: hasDomainCheck(theDomain(op), check.name),
    makes: madeName(op, check.name),
  })
}

export function checkBackSteps(op: AlterDomain): readonly StepDraft[] {
  const { check } = op
  if (check === undefined) return []
  return [
    {
      ...alterStep(op, sql`drop constraint ${id(check.name)}`),
      phase: 'retire',
      does: `take the check "${check.name}" of the domain ${shownDomain(op)} away again`,
      hazards: [],
      probe: sql`not ${hasDomainCheck(theDomain(op), check.name)}`,
      unmakes: madeName(op, check.name),
    },
  ]
}

/** It would come back unproved only, so it goes when there is no way back any more. */
export function dropCheckSteps(op: AlterDomain, known: Known): readonly StepDraft[] {
  const { drop_check: dropped } = op
  if (dropped === undefined) return []
  const check = known.checks.find(({ name }) => name === dropped)
  assert(check !== undefined, 'steps come after check')
  return [
    {
      ...alterStep(op, sql`drop constraint ${id(dropped)}`),
      kind: 'purge',
      phase: 'purge',
      does: `drop the check "${dropped}" of the domain ${shownDomain(op)}: ${check.definition}`,
      hazards: [
        {
          code: 'not_refused_any_more',
          because: `Until the purge such values are refused, also those of the new version: roll out a version that brings some behind it.`,
        },
      ],
      probe: sql`not ${hasDomainCheck(theDomain(op), dropped)}`,
      requires: [
        {
          that: hasDomainCheck(theDomain(op), dropped, check.definition),
          code: 'drift_found',
          otherwise: `the check "${dropped}" of the domain "${op.domain}" is not the one that the plan names: somebody has changed it`,
        },
      ],
    },
  ]
}

/** Where the server could not be asked before how it prints it, the transaction that gives it remembers that. */
function theDefault(op: AlterDomain): Printed {
  return { name: madeDefault(op), definition: currentDefault(theDomain(op)) }
}

function madeDefault(op: AlterDomain): string {
  return `the default of the domain ${shownDomain(op)}`
}

function madeName(op: AlterDomain, check: string): string {
  return `the check "${check}" of the domain ${shownDomain(op)}`
}
