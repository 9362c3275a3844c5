import { z } from 'zod'
import { name, onTable } from './shared.ts'

export const renameIndex = z.strictObject({ ...onTable, from: name, to: name })
