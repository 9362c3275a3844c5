/** The definition of an object as an operation writes it, to be tried. */
export interface DefinitionNeed {
  /** Where names without a namespace are. */
  readonly namespace: string
  readonly definition: string
  /** Is there such an object already, whose place it takes? */
  readonly replaces: boolean
  /** What the migration makes before it. */
  readonly first: readonly { readonly namespace: string; readonly definition: string }[]
}

export interface DefinitionFacts {
  /** Of a view that replaces another one: its columns, each with its type. */
  readonly columns?: readonly string[]
}

export function definitionKey({
  namespace,
  definition,
}: Pick<DefinitionNeed, 'namespace' | 'definition'>): string {
  return JSON.stringify([namespace, definition])
}
