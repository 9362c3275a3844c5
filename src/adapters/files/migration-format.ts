import { z } from 'zod'

/** The format of a migration file: `operations`, each an object with one key, the kind. See docs/migrations.md. */
const onTable = { namespace: z.string().default('public'), table: z.string().min(1) }

const addColumn = z.strictObject({
  ...onTable,
  column: z.string().min(1),
  type: z.string().min(1),
  nullable: z.boolean().default(true),
  default: z
    .union([z.string(), z.number(), z.boolean()])
    // YAML reads a number as a double; what it cannot hold exactly would be another default.
    .refine((value) => typeof value !== 'number' || !Number.isInteger(value) || Number.isSafeInteger(value), {
      message: 'write a number of more than 15 digits in quotes',
    })
    .transform(String)
    .optional(),
})

const dropColumn = z.strictObject({ ...onTable, column: z.string().min(1) })

const renameColumn = z.strictObject({
  ...onTable,
  from: z.string().min(1),
  to: z.string().min(1),
  type: z.string().min(1).optional(),
  transform: z.enum(['copy', 'trim', 'upper', 'lower']).optional(),
  overlap: z.literal('forward_only').optional(),
})

export const OPERATION_FORMATS = {
  add_column: addColumn,
  drop_column: dropColumn,
  rename_column: renameColumn,
} as const

export const migrationFormat = z.strictObject({
  operations: z.array(z.record(z.string(), z.unknown())).min(1),
})
