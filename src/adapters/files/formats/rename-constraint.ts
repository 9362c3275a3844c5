import { z } from 'zod'
import { name, onTable, reasoned } from './shared.ts'

export const renameConstraint = z.strictObject({ ...onTable, from: name, to: name, ...reasoned })
