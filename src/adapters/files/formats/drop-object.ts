import { z } from 'zod'
import { name, namespace } from './shared.ts'

export const dropObject = z.strictObject({ namespace, object: name })
