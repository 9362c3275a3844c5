import { type Sql, sql, trusted } from '../sql.ts'

/**
 * Lines of PL/pgSQL, with a variable `one`: something that was just made has the rights that something else had, and no others, such as
 * those that are given by default.
 * @param made its name, as a literal
 * @param rights a FROM clause with those of `a` that it has, and an expression for those that it is to have
 */
export function sameRights(
  kind: 'sequence' | 'type',
  made: Sql,
  { has, had }: { readonly has: Sql; readonly had: Sql },
): Sql {
  const grantee = sql`case one.grantee when 0 then 'public' else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(one.grantee)) end`
  return sql`  for one in select distinct a.grantee ${has} loop
    execute pg_catalog.format('revoke all on ${trusted(kind)} %s from %s', ${made}, ${grantee});
  end loop;
  for one in select * from pg_catalog.aclexplode(${had}) loop
    execute pg_catalog.format('grant %s on ${trusted(kind)} %s to %s%s', one.privilege_type, ${made},
      ${grantee},
      case when one.is_grantable then ' with grant option' else '' end);
  end loop;`
}
