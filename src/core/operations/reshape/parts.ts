import { columnIsAsPlanned, hasNoChildren } from '../../plan/probes.ts'
import type { Requirement } from '../../plan/step.ts'
import { id } from '../../sql.ts'
import { lastRequirement, standsRequirement } from '../copy/work.ts'
import type { Made, Work } from './work.ts'

export function sides({ olds, news }: Work) {
  return [olds.map(({ name }) => id(name)), news.map(({ name }) => id(name))] as const
}

export function required({ news }: Work): readonly Made[] {
  return news.filter(({ nullable }) => !nullable)
}

export function proofs(work: Work): readonly string[] {
  return [work.names.proof, ...required(work).map(({ notNullProof }) => notNullProof)]
}

/** The trigger is there and the last one. */
export function standing({ installed }: Work): readonly Requirement[] {
  return [standsRequirement(installed), lastRequirement(installed)]
}

export function asPlanned({ table, olds }: Work): readonly Requirement[] {
  return [
    ...olds.map((column) => ({
      that: columnIsAsPlanned(table, column),
      code: 'drift_found' as const,
      otherwise: `NOT NULL, the default or a grant of "${table.name}"."${column.name}" was changed since the plan was made; change it back, or roll back and begin anew`,
    })),
    {
      that: hasNoChildren(table),
      code: 'drift_found',
      otherwise: `"${table.name}" has got an inheritance child since the plan was made, whose rows nobody keeps in step`,
    },
  ]
}

export function said(columns: readonly { readonly name: string }[]): string {
  return `"${listed(columns)}"`
}

/** To be put between quotation marks. */
export function listed(columns: readonly { readonly name: string }[]): string {
  return columns.map(({ name }) => name).join('" and "')
}
