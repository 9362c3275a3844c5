import { describe, expect, test } from 'vitest'
import { withReliance } from '../../../../src/core/operations/rules/reliance.ts'
import { type Constraint, type Schema, withoutTable, withTable } from '../../../../src/core/schema/model.ts'
import { changedTables } from '../../../../src/core/schema/references.ts'
import {
  column,
  foreignKey,
  index,
  indexOf,
  primaryKeyOf,
  schemaOf,
  table,
  unique,
} from '../../../support/model.ts'

const to = (columns: string): Constraint =>
  foreignKey('users_team_fkey', ['team'], {
    definition: `FOREIGN KEY (team) REFERENCES public.teams${columns}`,
  })
const TEXT = 'constraint users_team_fkey on table public.users'
const key = primaryKeyOf(['id'], 'teams_pkey')
const code = unique('teams_code_key', ['code'])
const TEAMS = table({
  name: 'teams',
  columns: [column('id', 'bigint', { nullable: false }), column('code')],
  constraints: [key, code],
  indexes: [indexOf(key), indexOf(code), index('code_idx', ['code'], { unique: true })],
})
const USERS = table({ columns: [column('id'), column('team')], constraints: [], indexes: [] })
const before = schemaOf(TEAMS, USERS)
const relied = (was: Schema, is: Schema) => withReliance(is, changedTables(was, is))
const withKey = (constraint: Constraint) => withTable(before, { ...USERS, constraints: [constraint] })

function reliedOn(schema: ReturnType<typeof schemaOf>): readonly string[] {
  const [teams] = schema.tables
  return [
    ...(teams?.constraints ?? []).filter(({ dependents }) => dependents.includes(TEXT)),
    ...(teams?.indexes ?? []).filter(({ foreignKeys }) =>
      foreignKeys.includes('users_team_fkey on public.users'),
    ),
  ].map(({ name }) => name)
}

describe('after an operation a key knows which foreign keys stand on it', () => {
  test.each<[string, string, readonly string[]]>([
    ['that is named', '(id)', ['teams_pkey', 'teams_pkey']],
    ['that is the primary key, where none is named', '', ['teams_pkey', 'teams_pkey']],
    ['of which there are two', '(code)', ['teams_code_key', 'teams_code_key', 'code_idx']],
  ])('%s', (_what, columns, names) => {
    const made = relied(before, withKey(to(columns)))
    expect(reliedOn(made)).toEqual(names)
    expect(reliedOn(relied(made, withTable(made, USERS)))).toEqual([])
    expect(reliedOn(relied(made, withoutTable(made, USERS)))).toEqual([])
  })

  test('and nothing is changed where none came or went', () => {
    const after = withTable(before, { ...USERS, comment: 'other' })
    expect(relied(before, after)).toBe(after)
  })
})
