import { z } from 'zod'
import { name, onTable, reasoned } from './shared.ts'

export const dropIndex = z.strictObject({ ...onTable, index: name, ...reasoned })
