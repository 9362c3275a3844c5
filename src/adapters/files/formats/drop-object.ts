import { z } from 'zod'
import { name, namespace, reasoned } from './shared.ts'

export const dropObject = z.strictObject({ namespace, object: name, ...reasoned })
