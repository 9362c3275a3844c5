import type { Tree } from '../parse.ts'
import {
  columnAbsent,
  columnExists,
  constraintAbsent,
  constraintExists,
  constraintValidated,
  indexValid,
  relationAbsent,
  relationExists,
} from '../plan/probes.ts'
import type { QualifiedName } from '../schema/model.ts'
import { lit, qualified, regclass, type Sql, sql } from '../sql.ts'
import {
  columnOf,
  commandsOf,
  constraintOf,
  nameOf,
  partsOf,
  relationName,
  type Statements,
} from './statement.ts'

/** By what it is known of each part that it is done; nothing where one of them does not tell by its form. */
export function doneProbes(statements: Statements, namespace: string): readonly Sql[] | undefined {
  const probes = statements.flatMap((one) => statementProbes(one, namespace) ?? [undefined])
  const known = probes.filter((one) => one !== undefined)
  return known.length === probes.length ? known : undefined
}

function statementProbes(statement: Tree.Node, namespace: string): readonly (Sql | undefined)[] {
  if ('AlterTableStmt' in statement) {
    const table = relationName(statement.AlterTableStmt.relation, namespace)
    return commandsOf(statement).map((command) => commandProbe(table, command))
  }
  if ('DropStmt' in statement)
    return (statement.DropStmt.objects ?? []).map((object) =>
      absentProbe(statement.DropStmt.removeType, partsOf(object), namespace),
    )
  return [createdProbe(statement, namespace)]
}

function createdProbe(statement: Tree.Node, namespace: string): Sql | undefined {
  if ('CreateStmt' in statement) return relationExists(relationName(statement.CreateStmt.relation, namespace))
  if ('CreateTableAsStmt' in statement)
    return relationExists(relationName(statement.CreateTableAsStmt.into?.rel, namespace))
  if ('CreateSeqStmt' in statement)
    return relationExists(relationName(statement.CreateSeqStmt.sequence, namespace))
  if ('ViewStmt' in statement && statement.ViewStmt.replace !== true)
    return relationExists(relationName(statement.ViewStmt.view, namespace))
  if ('IndexStmt' in statement && statement.IndexStmt.idxname !== undefined) {
    const { namespace: of } = relationName(statement.IndexStmt.relation, namespace)
    return indexValid({ namespace: of, name: statement.IndexStmt.idxname })
  }
  if ('CreateEnumStmt' in statement)
    return typeExists(nameOf(partsOf(statement.CreateEnumStmt.typeName), namespace))
  if ('CreateDomainStmt' in statement)
    return typeExists(nameOf(partsOf(statement.CreateDomainStmt.domainname), namespace))
  if ('CompositeTypeStmt' in statement)
    return typeExists(relationName(statement.CompositeTypeStmt.typevar, namespace))
  if ('CreateTrigStmt' in statement && statement.CreateTrigStmt.replace !== true)
    return triggerExists(
      relationName(statement.CreateTrigStmt.relation, namespace),
      statement.CreateTrigStmt.trigname ?? '',
    )
  if ('CreatePolicyStmt' in statement)
    return policyExists(
      relationName(statement.CreatePolicyStmt.table, namespace),
      statement.CreatePolicyStmt.policy_name ?? '',
    )
  if ('CreateSchemaStmt' in statement) return namespaceExists(statement.CreateSchemaStmt.schemaname ?? '')
  if ('CreateExtensionStmt' in statement) return extensionExists(statement.CreateExtensionStmt.extname ?? '')
  return undefined
}

function commandProbe(table: QualifiedName, command: Tree.AlterTableCmd): Sql | undefined {
  const { subtype, name = '' } = command
  switch (subtype) {
    case 'AT_AddColumn':
      return columnExists(table, columnOf(command)?.colname ?? '')
    case 'AT_DropColumn':
      return columnAbsent(table, name)
    case 'AT_AddConstraint': {
      const constraint = constraintOf(command)?.conname
      return constraint === undefined ? undefined : constraintExists(table, constraint)
    }
    case 'AT_DropConstraint':
      return constraintAbsent(table, name)
    case 'AT_ValidateConstraint':
      return constraintValidated(table, name)
    default:
      return undefined
  }
}

function absentProbe(type: string | undefined, parts: readonly string[], namespace: string): Sql | undefined {
  const name = nameOf(parts, namespace)
  const [table, part] = [nameOf(parts.slice(0, -1), namespace), parts.at(-1) ?? '']
  switch (type) {
    case 'OBJECT_TABLE':
    case 'OBJECT_VIEW':
    case 'OBJECT_MATVIEW':
    case 'OBJECT_INDEX':
    case 'OBJECT_SEQUENCE':
    case 'OBJECT_FOREIGN_TABLE':
      return relationAbsent(name)
    case 'OBJECT_TYPE':
    case 'OBJECT_DOMAIN':
      return sql`not ${typeExists(name)}`
    case 'OBJECT_TRIGGER':
      return sql`not ${triggerExists(table, part)}`
    case 'OBJECT_POLICY':
      return sql`not ${policyExists(table, part)}`
    case 'OBJECT_SCHEMA':
      return sql`not ${namespaceExists(part)}`
    case 'OBJECT_EXTENSION':
      return sql`not ${extensionExists(part)}`
    default:
      return undefined
  }
}

export function typeExists(name: QualifiedName): Sql {
  return sql`(pg_catalog.to_regtype(${lit(qualified(name))}) is not null)`
}

export function triggerExists(table: QualifiedName, name: string): Sql {
  return sql`exists (select from pg_catalog.pg_trigger where tgrelid = ${regclass(table)} and tgname = ${lit(name)} and not tgisinternal)`
}

export function policyExists(table: QualifiedName, name: string): Sql {
  return sql`exists (select from pg_catalog.pg_policy where polrelid = ${regclass(table)} and polname = ${lit(name)})`
}

function namespaceExists(name: string): Sql {
  return sql`exists (select from pg_catalog.pg_namespace where nspname = ${lit(name)})`
}

function extensionExists(name: string): Sql {
  return sql`exists (select from pg_catalog.pg_extension where extname = ${lit(name)})`
}
