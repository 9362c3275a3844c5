import type { MoveColumn } from '../../src/core/operations/move-column.ts'
import type { Phase } from '../../src/core/plan/step.ts'
import { testDatabase } from '../support/database.ts'

const BIO: MoveColumn = {
  kind: 'move_column',
  from: { namespace: 'public', table: 'users', column: 'bio' },
  to: { namespace: 'public', table: 'profiles', column: 'bio' },
  on: [{ target: 'user_id', source: 'id' }],
}

export const MIGRATION = { name: '0001_test', operations: [BIO] } as const

const SETTINGS = {
  gate: { whenNoneRegistered: 'allow', unregistered: 'allow', quietMs: 0, reason: 'a test' },
  driver: { pollMs: 10 },
} as const

const given = (bio: string) => `
  create table users (id int primary key, seen int not null default 0, bio ${bio});
  create table profiles (user_id int primary key references users on delete cascade on update cascade, likes int not null default 0);
  insert into users (id, bio) values (1, 'a'), (2, 'b'); insert into users (id) values (3);
  insert into profiles values (1), (2);`

/** The users 1 and 2 have a bio and a profile, 3 has neither. */
export async function moving(until: Phase, more = '', bio = 'text') {
  const database = await testDatabase(given(bio), more)
  const bellows = await database.bellows({ settings: SETTINGS })
  const advance = (phase: Phase) => bellows.change((driver) => driver.advance(MIGRATION, phase))
  await advance(until)
  return {
    database,
    bellows,
    advance,
    undo: () => bellows.change((driver) => driver.undo(1)),
    rollback: () => bellows.change((driver) => driver.rollback(1)),
    /** What both tables say: `id: bio of the user / bio of the profile`. */
    both: async () =>
      (
        await database.query<{ said: string }>(
          `select format('%s: %s / %s', coalesce(u.id, user_id), coalesce(u.bio, '-'), case when p is null then 'none' else coalesce(p.bio, '-') end) as said
            from users u full join profiles p on p.user_id = u.id order by 1`,
        )
      ).map(({ said }) => said),
  }
}
