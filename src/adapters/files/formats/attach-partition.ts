import { z } from 'zod'
import { name, onTable } from './shared.ts'

export const attachPartition = z
  .strictObject({
    ...onTable,
    partition: name,
    bounds: z.string().min(1),
    refuse_in_default: z.literal(true).optional(),
  })
  .transform(({ refuse_in_default: refuses, ...rest }) => ({
    ...rest,
    ...(refuses === undefined ? {} : { refuseInDefault: refuses }),
  }))
