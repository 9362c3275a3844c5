import { z } from 'zod'
import { name, onTable } from './shared.ts'

export const dropColumn = z.strictObject({ ...onTable, column: name })
