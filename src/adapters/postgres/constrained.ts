import { sql } from '../../core/sql.ts'

/** Of a type `t`: is it a domain with a constraint or a default? One over a domain has those of that, too. */
export const IS_CONSTRAINED = sql`t.typtype = 'd' and exists (
    with recursive under as (select t.oid, t.typtype, t.typbasetype, t.typnotnull, t.typdefault
      union all select b.oid, b.typtype, b.typbasetype, b.typnotnull, b.typdefault from under u join pg_catalog.pg_type b on b.oid = u.typbasetype)
    select from under u where u.typtype = 'd' and (u.typnotnull or u.typdefault is not null or exists (select from pg_catalog.pg_constraint k where k.contypid = u.oid)))`
