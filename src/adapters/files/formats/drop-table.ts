import { z } from 'zod'
import { onTable, reasoned } from './shared.ts'

export const dropTable = z.strictObject({ ...onTable, ...reasoned })
