import type { RemoveEnumValue } from '../../src/core/operations/remove-enum-value.ts'

/** The value that tests take out of an enum of public. */
export const removeValue = (more: Partial<RemoveEnumValue> = {}): RemoveEnumValue => ({
  kind: 'remove_enum_value',
  namespace: 'public',
  type: 'mood',
  value: 'ok',
  becomes: 'fine',
  ...more,
})
