import { z } from 'zod'
import { RULE_TIMES } from '../../../core/operations/rules/rule.ts'
import { name, reasoned } from './shared.ts'

export const createIndex = z.strictObject({
  definition: name,
  when: z.enum(RULE_TIMES).optional(),
  ...reasoned,
})
