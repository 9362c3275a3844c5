import { madeObject } from '../objects/database-object.ts'
import { type Tree, typeText } from '../parse.ts'
import type { QualifiedName } from '../schema/model.ts'
import { shown } from '../sql.ts'
import { createdBy, nameOf, partsOf, relationName } from './statement.ts'

/** What DROP calls by another word than CREATE, or by a second one. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  function: ['function', 'routine'],
  procedure: ['procedure', 'routine'],
  domain: ['domain', 'type'],
}

/**
 * The things besides tables and columns that a statement makes anew, by every word that DROP has for them. With IF NOT EXISTS or OR
 * REPLACE they may be somebody else's.
 */
export function madeThings(statement: Tree.Node, namespace: string): readonly string[] {
  const [made] = Object.values(statement) as readonly { if_not_exists?: boolean; replace?: boolean }[]
  if (made?.if_not_exists === true || made?.replace === true) return []
  const object = madeObject(statement, namespace)
  if (object !== undefined) {
    const { kind, on, name, argumentTypes } = object
    const full = on === undefined ? named(name) : `${named(on)}.${shown(name.name)}`
    const calls = argumentTypes === undefined ? [full] : [full, `${full}(${argumentTypes.join(', ')})`]
    return (WORDS[kind] ?? [kind]).flatMap((word) => calls.map((call) => `${word} ${call}`))
  }
  return otherThing(statement, namespace)
}

function otherThing(statement: Tree.Node, namespace: string): readonly string[] {
  if ('IndexStmt' in statement) {
    const { idxname, relation } = statement.IndexStmt
    const { namespace: of } = relationName(relation, namespace)
    return idxname === undefined ? [] : [`index ${named({ namespace: of, name: idxname })}`]
  }
  if ('CreateStatsStmt' in statement)
    return [`statistic_ext ${named(nameOf(partsOf(statement.CreateStatsStmt.defnames), namespace))}`]
  if ('CreateSchemaStmt' in statement) return [`schema ${shown(statement.CreateSchemaStmt.schemaname ?? '')}`]
  if ('CreateExtensionStmt' in statement)
    return [`extension ${shown(statement.CreateExtensionStmt.extname ?? '')}`]
  const relation = createdBy(statement, namespace)
  if (relation === undefined) return []
  if ('CreateSeqStmt' in statement) return [`sequence ${named(relation)}`]
  return 'CreateTableAsStmt' in statement && statement.CreateTableAsStmt.objtype === 'OBJECT_MATVIEW'
    ? [`matview ${named(relation)}`]
    : []
}

/** The things besides tables that a statement drops, in the same words. */
export function droppedThings(statement: Tree.Node, namespace: string): readonly string[] {
  if (!('DropStmt' in statement)) return []
  const { removeType = '', objects = [] } = statement.DropStmt
  if (/_(?:FOREIGN_)?TABLE$/.test(removeType)) return []
  const word = removeType.replace('OBJECT_', '').toLowerCase()
  return objects.map((object) => `${word} ${droppedName(word, object, namespace)}`)
}

function droppedName(word: string, object: Tree.Node, namespace: string): string {
  const parts = partsOf(object)
  const own = shown(parts.at(-1) ?? '')
  if (word === 'schema' || word === 'extension') return own
  if (word === 'trigger' || word === 'policy' || word === 'rule')
    return `${named(nameOf(parts.slice(0, -1), namespace))}.${own}`
  const name = named(nameOf(parts, namespace))
  if (!('ObjectWithArgs' in object) || object.ObjectWithArgs.args_unspecified === true) return name
  const types = (object.ObjectWithArgs.objargs ?? []).flatMap((one) =>
    'TypeName' in one ? [typeText(one.TypeName)] : [],
  )
  return `${name}(${types.join(', ')})`
}

function named({ namespace, name }: QualifiedName): string {
  return `${shown(namespace)}.${shown(name)}`
}
