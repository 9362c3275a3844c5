import { nameOf } from '../schema/name-of.ts'
import type { StepDraft } from './step.ts'

/** A plan names its tables: how large they were when it was made is no part of it. */
export function byName<D extends StepDraft>(draft: D): D {
  return {
    ...draft,
    ...('table' in draft ? { table: nameOf(draft.table) } : {}),
    ...('other' in draft ? { other: nameOf(draft.other) } : {}),
    ...('locks' in draft
      ? { locks: draft.locks.map((lock) => ({ ...lock, relation: nameOf(lock.relation) })) }
      : {}),
    ...('retires' in draft && draft.retires !== undefined
      ? { retires: { ...draft.retires, table: nameOf(draft.retires.table) } }
      : {}),
    ...('retiresAlso' in draft && draft.retiresAlso !== undefined
      ? { retiresAlso: draft.retiresAlso.map((one) => ({ ...one, table: nameOf(one.table) })) }
      : {}),
  }
}
