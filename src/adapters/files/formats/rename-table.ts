import { z } from 'zod'
import { name, onTable } from './shared.ts'

export const renameTable = z.strictObject({ ...onTable, to: name })
