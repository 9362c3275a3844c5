import { z } from 'zod'
import { name, onTable } from './shared.ts'

export const dropConstraint = z.strictObject({ ...onTable, name, unsafe: name.optional() })
