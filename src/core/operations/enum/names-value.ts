import { constantsIn, ownConstantsIn } from '../../rewrite.ts'

/** Does a statement name a value of an enum, or a text that is the same? */
export function namesValue(text: string, value: string): boolean {
  return constantsIn(text).some((constant) => isOrHolds(constant, value))
}

/** Does a statement that the server printed name a value of an enum, whichever that is? */
export function namesOwnValue(text: string, value: string): boolean {
  return ownConstantsIn(text).some((constant) => isOrHolds(constant, value))
}

/** An array stands there as one text. */
function isOrHolds(constant: string, value: string): boolean {
  return constant === value || (constant.startsWith('{') && constant.includes(value))
}
