/** What the nodes of an expression have that `over-row.ts` reads, of which each kind has some. */
export interface Tree {
  readonly kind?: string
  readonly arg?: Tree
  readonly args?: readonly Tree[]
  readonly lexpr?: Tree
  readonly rexpr?: Tree
  readonly name?: readonly Tree[]
  readonly names?: readonly Tree[]
  readonly funcname?: readonly Tree[]
  readonly funcformat?: string
  readonly func_variadic?: boolean
  readonly location?: number
  readonly fields?: readonly Tree[]
  readonly collname?: readonly Tree[]
  readonly elements?: readonly Tree[]
  readonly typeName?: Tree
  readonly typmods?: readonly Tree[]
  readonly arrayBounds?: readonly Tree[]
  readonly setof?: boolean
  readonly pct_type?: boolean
  readonly boolop?: string
  readonly op?: string
  readonly nulltesttype?: string
  readonly booltesttype?: string
  readonly defresult?: Tree
  readonly isnull?: boolean
  readonly ival?: { readonly ival?: number }
  readonly fval?: { readonly fval?: string }
  readonly boolval?: { readonly boolval?: boolean }
  readonly sval?: { readonly sval?: string }
  readonly bsval?: { readonly bsval?: string }
  readonly String?: { readonly sval?: string }
  readonly List?: { readonly items?: readonly Tree[] }
  readonly CaseWhen?: { readonly expr?: Tree; readonly result?: Tree }
}

export function items(node: Tree | undefined): readonly Tree[] {
  return node?.List?.items ?? []
}

export function parts(names: readonly Tree[] | undefined): readonly string[] {
  return (names ?? []).flatMap((part) => part.String?.sval ?? [])
}
