import { z } from 'zod'
import { name } from './shared.ts'

export const replaceIndex = z.strictObject({ definition: name })
