import { z } from 'zod'
import { name, onTable, reasoned } from './shared.ts'

export const dropConstraint = z.strictObject({ ...onTable, name, ...reasoned })
