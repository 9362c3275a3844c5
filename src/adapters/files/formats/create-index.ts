import { z } from 'zod'
import { name } from './shared.ts'

export const createIndex = z.strictObject({ definition: name })
