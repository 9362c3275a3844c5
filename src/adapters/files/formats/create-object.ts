import { z } from 'zod'
import { name, namespace, reasoned } from './shared.ts'

export const createObject = z.strictObject({ namespace, definition: name, ...reasoned })
