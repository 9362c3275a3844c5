import { z } from 'zod'
import { onTable } from './shared.ts'

export const dropTable = z.strictObject(onTable)
