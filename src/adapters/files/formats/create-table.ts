import { z } from 'zod'
import { KEY_ACTIONS, type NewConstraint } from '../../../core/operations/create-table/create-table.ts'
import { expression, name, onTable, reasoned } from './shared.ts'

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

/** What a partition has from its table. */
const OF_A_TABLE = ['columns', 'primary_key', 'constraints', 'partition_by', 'partitions'] as const

export const createTable = z
  .strictObject({
    ...onTable,
    columns: z.array(column).min(1).optional(),
    primary_key: names.optional(),
    constraints: z.array(constraint).optional(),
    comment: z.string().optional(),
    partition_by: z.string().min(1).optional(),
    partitions: z.array(z.strictObject({ name, bounds: z.string().min(1) })).optional(),
    partition_of: name.optional(),
    bounds: z.string().min(1).optional(),
    refuse_in_default: z.literal(true).optional(),
    ...reasoned,
  })
  .superRefine((given, { addIssue }) => {
    const problem = given.partition_of === undefined ? tableProblem(given) : partitionProblem(given)
    if (problem !== undefined) addIssue({ code: 'custom', message: problem })
  })
  .transform((given) => {
    const { primary_key: primaryKey, partition_by: partitionBy, partition_of: parent, ...more } = given
    const { columns = [], constraints = [], bounds, refuse_in_default: refuses, ...table } = more
    return {
      ...table,
      columns,
      constraints,
      ...(primaryKey === undefined ? {} : { primaryKey }),
      ...(partitionBy === undefined ? {} : { partitionBy }),
      ...(parent === undefined || bounds === undefined
        ? {}
        : {
            partitionOf: {
              table: parent,
              bounds,
              ...(refuses === undefined ? {} : { refuseInDefault: refuses }),
            },
          }),
    }
  })

interface Given {
  readonly columns?: unknown
  readonly bounds?: unknown
  readonly refuse_in_default?: unknown
}

function tableProblem({ columns, bounds, refuse_in_default: refuses }: Given): string | undefined {
  if (columns === undefined)
    return 'a table has "columns", or says of which one it is a partition: "partition_of"'
  if (bounds === undefined && refuses === undefined) return undefined
  return '"bounds" and "refuse_in_default" go with "partition_of"'
}

function partitionProblem(given: Given): string | undefined {
  if (given.bounds === undefined)
    return 'a partition has "bounds", such as: for values from (1) to (100), or default'
  const more = OF_A_TABLE.filter((field) => field in given)
  return more.length === 0
    ? undefined
    : `a partition has everything from its table: leave ${more.map((field) => `"${field}"`).join(' and ')} away`
}
