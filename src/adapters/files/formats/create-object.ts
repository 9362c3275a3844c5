import { z } from 'zod'
import { name, namespace } from './shared.ts'

export const createObject = z.strictObject({ namespace, definition: name })
