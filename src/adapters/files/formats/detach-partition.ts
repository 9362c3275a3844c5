import { z } from 'zod'
import { name, onTable } from './shared.ts'

export const detachPartition = z.strictObject({ ...onTable, partition: name })
