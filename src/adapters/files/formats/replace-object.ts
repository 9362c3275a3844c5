import { z } from 'zod'
import { name, namespace } from './shared.ts'

export const replaceObject = z.strictObject({ namespace, definition: name })
