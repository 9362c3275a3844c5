import { items, parts, type Tree } from './expression-tree.ts'
import { expressionNode } from './parse.ts'
import { id, join, lit, type Sql, sql, trusted } from './sql.ts'

/** An expression over columns of one row, which can be written at any place: each column is given as it is called there. */
export interface OverRow {
  readonly at: (place: (column: string) => Sql) => Sql
  /** Functions, types and operators of namespaces other than `pg_catalog` that it names: every writer must be able to use them. */
  readonly foreign: readonly Named[]
}

/**
 * Reads what a person writes to make one value out of another. It will run in a trigger, with the `search_path` of whoever
 * writes, so every name that it leaves to that is taken from `pg_catalog`; names of the user must be written in full. It is
 * printed anew from its tree, with all parentheses, because an operator in full has another precedence.
 */
export function readOverRow(
  text: string,
  columns: readonly string[],
): OverRow | { readonly problem: string } {
  const node = expressionNode(text)
  if ('problem' in node) return node
  const print = (place: (column: string) => Sql, foreign: Named[] = []) =>
    printed(node, { columns, place, foreign })
  const foreign: Named[] = []
  try {
    print(id, foreign)
  } catch (error) {
    if (error instanceof Unprintable) return { problem: error.message }
    throw error
  }
  const once = new Map(foreign.map((one) => [JSON.stringify(one), one]))
  return { at: (place) => print(place), foreign: [...once.values()] }
}

interface Named {
  readonly namespace: string
  readonly name: string
}

class Unprintable extends Error {}

interface Printing {
  readonly columns: readonly string[]
  readonly place: (column: string) => Sql
  readonly foreign: Named[]
}

type Printer = (node: Tree, how: Printing) => Sql

const PRINTERS: Readonly<Record<string, Printer>> = {
  A_Const: constant,
  ColumnRef: column,
  FuncCall: call,
  TypeCast: cast,
  A_Expr: operation,
  BoolExpr: logic,
  NullTest: ({ arg, nulltesttype }, how) =>
    sql`(${printed(arg, how)} is ${trusted(nulltesttype === 'IS_NULL' ? 'null' : 'not null')})`,
  BooleanTest: ({ arg, booltesttype }, how) =>
    sql`(${printed(arg, how)} ${trusted(String(booltesttype).toLowerCase().replaceAll('_', ' '))})`,
  CoalesceExpr: ({ args }, how) => sql`coalesce(${list(args, how)})`,
  MinMaxExpr: ({ args, op }, how) =>
    sql`${trusted(op === 'IS_LEAST' ? 'least' : 'greatest')}(${list(args, how)})`,
  A_ArrayExpr: ({ elements }, how) => sql`array[${list(elements, how)}]`,
  CollateClause: ({ arg, collname }, how) => sql`(${printed(arg, how)} collate ${name(collname, how)})`,
  CaseExpr: choice,
}

function printed(node: object | undefined, how: Printing): Sql {
  const [kind, tree] = (Object.entries(node ?? {}) as [string, Tree][])[0] ?? ['nothing', {}]
  const printer = PRINTERS[kind]
  if (printer === undefined)
    throw new Unprintable(`it uses ${WORDS[kind] ?? kind}, which has no place in a mapping`)
  return printer(tree, how)
}

const WORDS: Readonly<Record<string, string>> = {
  SubLink: 'a query',
  SQLValueFunction: 'a value of the session, such as the time or the user',
  ParamRef: 'a parameter',
  A_Star: 'a star',
}

function list(nodes: readonly Tree[] | undefined, how: Printing): Sql {
  return join((nodes ?? []).map((node) => printed(node, how)))
}

function constant({ isnull, ival, fval, boolval, sval, bsval }: Tree): Sql {
  if (isnull === true) return trusted('null')
  if (ival !== undefined) return number(String(ival.ival ?? 0))
  if (fval !== undefined) return number(String(fval.fval))
  if (boolval !== undefined) return trusted(boolval.boolval === true ? 'true' : 'false')
  if (sval !== undefined) return trusted(lit(sval.sval ?? '').trim())
  const bits = bsval?.bsval ?? ''
  return sql`${trusted(bits.slice(0, 1))}${lit(bits.slice(1))}`
}

/** A sign binds less tightly than a cast. */
function number(text: string): Sql {
  return trusted(text.startsWith('-') ? `(${text})` : text)
}

function column({ fields }: Tree, { columns, place }: Printing): Sql {
  const names = parts(fields)
  const [only = ''] = names
  if (names.length === 1 && columns.includes(only)) return place(only)
  const known = columns.map((one) => `"${one}"`).join(' and ')
  throw new Unprintable(
    `it names ${names.map((one) => `"${one}"`).join('.') || 'a star'}, and it can be made of ${known} only`,
  )
}

function call(tree: Tree, how: Printing): Sql {
  const {
    funcname,
    args,
    funcformat: _format,
    location: _location,
    func_variadic: variadic,
    ...clauses
  } = tree
  if (Object.keys(clauses).length > 0)
    throw new Unprintable('it calls a function with clauses of an aggregate')
  if (variadic === true) throw new Unprintable('it calls a function with VARIADIC')
  return sql`${name(funcname, how)}(${list(args, how)})`
}

function cast({ arg, typeName }: Tree, how: Printing): Sql {
  return sql`(${printed(arg, how)})::${type(typeName ?? {}, how)}`
}

function type({ names, typmods, arrayBounds, setof, pct_type }: Tree, how: Printing): Sql {
  if (setof === true || pct_type === true)
    throw new Unprintable('it casts to something that is not just a type')
  // Fields of an interval are a bit mask for the parser.
  if (typmods !== undefined && parts(names).at(-1) === 'interval')
    throw new Unprintable('it casts to an interval of certain fields')
  const modifier = typmods === undefined ? sql`` : sql`(${list(typmods, how)})`
  return sql`${name(names, how)}${modifier}${trusted('[]'.repeat(arrayBounds?.length ?? 0))}`
}

/** The parser has them as one node; their operator is found through the `search_path`, and there is no way to say which. */
const SUGAR: Readonly<Record<string, (tree: Tree, how: Printing) => Sql>> = {
  AEXPR_OP: infix,
  AEXPR_LIKE: infix,
  AEXPR_ILIKE: infix,
  AEXPR_SIMILAR: infix,
  AEXPR_OP_ANY: (tree, how) => overArray('any', tree, how),
  AEXPR_OP_ALL: (tree, how) => overArray('all', tree, how),
  AEXPR_NULLIF: ({ lexpr, rexpr }, how) => {
    const value = printed(lexpr, how)
    return sql`(case when ${value} operator(pg_catalog.=) ${printed(rexpr, how)} then null else ${value} end)`
  },
  AEXPR_IN: ({ name: names, lexpr, rexpr }, how) => {
    const isNot = parts(names).at(-1) === '<>'
    const operator = trusted(`operator(pg_catalog.${isNot ? '<>' : '='})`)
    const each = items(rexpr).map((item) => sql`(${printed(lexpr, how)} ${operator} ${printed(item, how)})`)
    return sql`(${join(each, isNot ? ' and ' : ' or ')})`
  },
  AEXPR_BETWEEN: (tree, how) => between(tree, how),
  AEXPR_NOT_BETWEEN: (tree, how) => sql`(not ${between(tree, how)})`,
}

function operation(tree: Tree, how: Printing): Sql {
  const printer = SUGAR[tree.kind ?? '']
  if (printer === undefined)
    throw new Unprintable(
      'it compares with IS DISTINCT FROM or BETWEEN SYMMETRIC, whose operator cannot be named',
    )
  return printer(tree, how)
}

function infix({ name: names, lexpr, rexpr }: Tree, how: Printing): Sql {
  const left = lexpr === undefined ? sql`` : sql`${printed(lexpr, how)} `
  return sql`(${left}${operator(names, how)} ${printed(rexpr, how)})`
}

function overArray(word: 'any' | 'all', { name: names, lexpr, rexpr }: Tree, how: Printing): Sql {
  return sql`(${printed(lexpr, how)} ${operator(names, how)} ${trusted(word)} (${printed(rexpr, how)}))`
}

function between({ lexpr, rexpr }: Tree, how: Printing): Sql {
  const value = printed(lexpr, how)
  const [low, high] = items(rexpr)
  return sql`(${value} operator(pg_catalog.>=) ${printed(low, how)} and ${value} operator(pg_catalog.<=) ${printed(high, how)})`
}

function logic({ boolop, args }: Tree, how: Printing): Sql {
  const each = (args ?? []).map((one) => printed(one, how))
  if (boolop === 'NOT_EXPR') return sql`(not ${join(each)})`
  return sql`(${join(each, boolop === 'AND_EXPR' ? ' and ' : ' or ')})`
}

function choice({ arg, args, defresult }: Tree, how: Printing): Sql {
  const when = ({ CaseWhen: { expr, result } = {} }: Tree) => {
    const condition =
      arg === undefined
        ? printed(expr, how)
        : sql`${printed(arg, how)} operator(pg_catalog.=) ${printed(expr, how)}`
    return sql` when ${condition} then ${printed(result, how)}`
  }
  const otherwise = defresult === undefined ? sql`` : sql` else ${printed(defresult, how)}`
  return sql`(case${join((args ?? []).map(when), '')}${otherwise} end)`
}

/** In full, and noted where it is one of the user. */
function name(names: readonly Tree[] | undefined, { foreign }: Printing): Sql {
  const [namespace = '', last] = parts(names).slice(-2)
  if (last === undefined) return sql`pg_catalog.${id(namespace)}`
  if (namespace !== 'pg_catalog') foreign.push({ namespace, name: last })
  return sql`${id(namespace)}.${id(last)}`
}

function operator(names: readonly Tree[] | undefined, { foreign }: Printing): Sql {
  const [namespace = '', last] = parts(names).slice(-2)
  if (last === undefined) return trusted(`operator(pg_catalog.${namespace})`)
  if (namespace !== 'pg_catalog') foreign.push({ namespace, name: last })
  return sql`operator(${id(namespace)}.${trusted(last)})`
}
