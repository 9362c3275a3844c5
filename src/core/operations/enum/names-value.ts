import { constantsIn, ownConstantsIn } from '../../rewrite.ts'
import type { QualifiedName } from '../../schema/model.ts'

/**
 * Does a statement that the server printed name a value of an enum, or a text that is the same?
 * @param others enums that have a value of that name as well
 */
export function namesValue(text: string, value: string, others: readonly QualifiedName[]): boolean {
  return constantsIn(text, others).some((constant) => isOrHolds(constant, value))
}

/** Does a statement that the server printed name a value of an enum, whichever that is? */
export function namesOwnValue(text: string, value: string): boolean {
  return ownConstantsIn(text).some((constant) => isOrHolds(constant, value))
}

/** An array stands there as one text, and so does a row; one of rows may have it anywhere. */
function isOrHolds(constant: string, value: string): boolean {
  if (constant === value) return true
  const isInRow = (text: string) => text.startsWith('(') && text.includes(value)
  const elements = constant.startsWith('{') ? elementsOf(constant) : []
  return isInRow(constant) || elements.some((one) => one === value || isInRow(one))
}

/** Without its quotes, and what stands for one in them. Source: the manual, 8.15.2. */
function elementsOf(array: string): readonly string[] {
  const elements = array.matchAll(/"((?:[^"\\]|\\.)*)"|([^{},"]+)/gs)
  return [...elements].map(([, quoted, plain = '']) => quoted?.replaceAll(/\\(.)/gs, '$1') ?? plain.trim())
}
