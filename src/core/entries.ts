/**
 * The entries of an object that people write by name, in the order of these: JavaScript puts names that are numbers first, and many
 * tools write the others in an order of their own. What comes of it must not depend on either.
 */
export function entriesByName<T>(named: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(named).sort(([a], [b]) => (a < b ? -1 : 1))
}
