import type { Table } from '../../src/core/schema/model.ts'
import { column, foreignKey, indexOf, primaryKeyOf, table } from './model.ts'

/** `foreign key (user_id) references users on delete cascade`, of `orders`. */
export const POINTS = foreignKey('points', ['user_id'], {
  definition: 'FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE',
  references: { namespace: 'public', name: 'users' },
})

export const USERS_KEY = primaryKeyOf(['id'])

/** `users (id integer generated always as identity primary key, name text)`. */
export const users = (more: Partial<Table> = {}): Table =>
  table({
    columns: [column('id', 'integer', { nullable: false, identity: 'always' }), column('name')],
    constraints: [USERS_KEY],
    indexes: [
      indexOf(USERS_KEY, {
        definition: 'CREATE UNIQUE INDEX users_pkey ON public.users USING btree (id)',
      }),
    ],
    referencedBy: [
      {
        table: { namespace: 'public', name: 'orders' },
        constraint: 'points',
        identity: 'points on public.orders',
      },
    ],
    dependents: [{ kind: 'foreign key', name: 'points on public.orders', column: 'id', bound: true }],
    ...more,
  })

/** `orders (user_id integer, paid boolean)`. */
export const orders = (more: Partial<Table> = {}): Table =>
  table({
    name: 'orders',
    columns: [column('user_id', 'integer'), column('paid', 'boolean')],
    constraints: [POINTS],
    indexes: [],
    neighbours: [],
    ...more,
  })
