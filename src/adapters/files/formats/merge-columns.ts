import { z } from 'zod'
import { expression, name, onTable, reasoned } from './shared.ts'

export const mergeColumns = z
  .strictObject({
    ...onTable,
    from: z.array(name).min(2),
    to: name,
    type: name,
    nullable: z.boolean().default(true),
    up: expression,
    down: z.record(name, expression),
    ...reasoned,
  })
  .superRefine(({ from, down }, context) => {
    for (const column of from.filter((one) => down[one] === undefined))
      context.addIssue({
        code: 'custom',
        path: ['down', column],
        message: 'says how its value comes back, and is missing',
      })
    for (const column of Object.keys(down).filter((one) => !from.includes(one)))
      context.addIssue({ code: 'custom', path: ['down', column], message: 'is none of "from"' })
  })
  .transform(({ from, down, ...more }) => ({
    ...more,
    from: from.map((column) => ({ name: column, down: down[column] ?? '' })),
  }))
