import { z } from 'zod'
import { entriesByName } from '../../../core/entries.ts'
import { expression, name, onTable, reasoned } from './shared.ts'

const part = z.strictObject({ type: name, up: expression, nullable: z.boolean().default(true) })

export const splitColumn = z.strictObject({
  ...onTable,
  from: name,
  to: z
    .record(name, part)
    .refine((parts) => Object.keys(parts).length > 1, { message: 'name two columns at least' })
    .meta({ minProperties: 2 })
    .transform((parts) => entriesByName(parts).map(([column, more]) => ({ name: column, ...more }))),
  down: expression,
  ...reasoned,
})
