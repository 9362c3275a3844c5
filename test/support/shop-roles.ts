/**
 * Two ordinary roles of every test server, as an application has them at a provider of databases: neither is a superuser nor a member
 * of anything. Bellows logs in as the first, which owns what there is; the application as the second, which owns nothing.
 */
export const OWNER = 'shop_owner'
export const APPLICATION = 'shop'

export const ROLES = `create role ${OWNER} login; create role ${APPLICATION} login;`

/** Before anything is made: the one may make things, and the other work with those in `public`. */
export function rightsOn(database: string): string {
  return `grant create on database ${database} to ${OWNER}; grant usage, create on schema public to ${OWNER}; ${workIn('public')}`
}

/** When all is made: the application may work with what is in a namespace of its own. */
export function rightsIn(space: string): string {
  return `grant usage on schema ${space} to ${APPLICATION}; grant usage on all sequences in schema ${space} to ${APPLICATION};
    grant select, insert, update, delete on all tables in schema ${space} to ${APPLICATION}; ${workIn(space)}`
}

/** To work with what is made from now on. */
function workIn(space: string): string {
  const from = `alter default privileges for role ${OWNER} in schema ${space} grant`
  return `${from} select, insert, update, delete on tables to ${APPLICATION}; ${from} usage on sequences to ${APPLICATION};`
}
