/** Goes along with an operation that nothing would keep from its end, so that its run can be taken back. Nobody writes a generated column, so nothing counts that. */
export const COMPANION = {
  given:
    'create table companion (id integer primary key, going integer generated always as (id + 1) stored);',
  operation: { kind: 'drop_column', namespace: 'public', table: 'companion', column: 'going' },
  direct: 'create table companion (id integer primary key);',
} as const
