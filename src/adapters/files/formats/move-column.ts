import { z } from 'zod'
import { entriesByName } from '../../../core/entries.ts'
import { name, onTable } from './shared.ts'

const place = z.strictObject({ ...onTable, column: name })

export const moveColumn = z.strictObject({
  from: place,
  to: place,
  /** Columns of the target, each with the column of the source that it points at. */
  on: z
    .record(name, name)
    .refine((pairs) => Object.keys(pairs).length > 0, { message: 'name one column at least' })
    .meta({ minProperties: 1 })
    .transform((pairs) => entriesByName(pairs).map(([target, source]) => ({ target, source }))),
})
