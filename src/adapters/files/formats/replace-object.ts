import { z } from 'zod'
import { name, namespace, reasoned } from './shared.ts'

export const replaceObject = z.strictObject({ namespace, definition: name, ...reasoned })
