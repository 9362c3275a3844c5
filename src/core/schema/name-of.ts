import type { QualifiedName } from './model.ts'

/** A table without the rest of it: a plan names its tables. */
export function nameOf({ namespace, name }: QualifiedName): QualifiedName {
  return { namespace, name }
}
