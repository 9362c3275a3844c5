import { z } from 'zod'
import { name, onTable } from './shared.ts'

export const dropIndex = z.strictObject({ ...onTable, index: name })
