import { z } from 'zod'
import { KEY_ACTIONS, type NewConstraint } from '../../../core/operations/create-table/create-table.ts'
import { expression, name, onTable } from './shared.ts'

const column = z.strictObject({
  name,
  type: name,
  nullable: z.boolean().default(true),
  default: expression.optional(),
  generated: expression.optional(),
  identity: z.enum(['always', 'by_default']).optional(),
  comment: z.string().optional(),
})

const names = z.array(name).min(1)

/** Each says by its first key what it is. */
const constraint = z
  .strictObject({
    name: name.optional(),
    unique: names.optional(),
    check: expression.optional(),
    foreign_key: names.optional(),
    references: z
      .strictObject({ namespace: z.string().default('public'), table: name, columns: names.optional() })
      .optional(),
    on_delete: z.enum(KEY_ACTIONS).optional(),
    on_update: z.enum(KEY_ACTIONS).optional(),
    deferrable: z.enum(['immediate', 'deferred']).optional(),
  })
  .transform((given, { addIssue }): NewConstraint => {
    const { name: called, unique, check, foreign_key: columns, references, ...rest } = given
    const { on_delete: onDelete, on_update: onUpdate, deferrable } = rest
    const common = called === undefined ? {} : { name: called }
    const isKey = columns !== undefined && references !== undefined
    const kinds = [unique, check, columns].filter((one) => one !== undefined).length
    const isPlain = [references, onDelete, onUpdate, deferrable].every((one) => one === undefined)
    if (kinds === 1 && unique !== undefined && isPlain) return { ...common, kind: 'unique', columns: unique }
    if (kinds === 1 && check !== undefined && isPlain) return { ...common, kind: 'check', expression: check }
    if (kinds === 1 && isKey) {
      const { namespace, table, columns: others } = references
      return {
        ...common,
        kind: 'foreign_key',
        columns,
        references: { namespace, name: table, ...(others === undefined ? {} : { columns: others }) },
        onDelete: onDelete ?? 'no_action',
        onUpdate: onUpdate ?? 'no_action',
        ...(deferrable === undefined ? {} : { deferrable }),
      }
    }
    addIssue({
      code: 'custom',
      message:
        'a constraint has one of "unique", "check" and "foreign_key"; the last one goes with "references" and may have on_delete, on_update and deferrable',
    })
    return z.NEVER
  })

export const createTable = z
  .strictObject({
    ...onTable,
    columns: z.array(column).min(1),
    primary_key: names.optional(),
    constraints: z.array(constraint).default([]),
    comment: z.string().optional(),
    partition_by: z.string().min(1).optional(),
    partitions: z.array(z.strictObject({ name, bounds: z.string().min(1) })).optional(),
  })
  .transform(({ primary_key: primaryKey, partition_by: partitionBy, ...table }) => ({
    ...table,
    ...(primaryKey === undefined ? {} : { primaryKey }),
    ...(partitionBy === undefined ? {} : { partitionBy }),
  }))
