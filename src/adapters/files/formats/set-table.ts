import { z } from 'zod'
import { expression, name, onTable } from './shared.ts'

export const setTable = z
  .strictObject({
    ...onTable,
    comment: z.string().nullable().optional(),
    set: z.record(name, expression).default({}),
    reset: z.array(name).default([]),
    replica_identity: z
      .union([z.enum(['default', 'full', 'nothing']), z.strictObject({ index: name })])
      .optional(),
  })
  .transform(({ replica_identity: replicaIdentity, comment, ...table }) => ({
    ...table,
    ...(comment === undefined ? {} : { comment }),
    ...(replicaIdentity === undefined ? {} : { replicaIdentity }),
  }))
