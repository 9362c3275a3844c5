import { z } from 'zod'
import { migrationFormat, OPERATION_FORMATS } from './migration-format.ts'

/**
 * The format of a migration file as JSON Schema, for editors. An operation is said to be an object with all kinds as fields of
 * which it has one: so an editor offers the kinds, and tells what is wrong within one instead of that no form of many fits.
 */
export function jsonSchema(): object {
  const kinds = Object.entries(OPERATION_FORMATS).map(([kind, format]) => [kind, format.optional()])
  const operation = z.strictObject(Object.fromEntries(kinds)).meta({ minProperties: 1, maxProperties: 1 })
  const whole = migrationFormat.extend({ operations: z.array(operation).min(1) })
  return { title: 'A migration of Bellows', ...z.toJSONSchema(whole, { io: 'input' }) }
}
