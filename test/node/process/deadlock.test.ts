import { expect, test } from 'vitest'
import { testDatabase } from '../../support/database.ts'
import { startNode } from '../../support/node-process.ts'
import { COPIED, DEMO, EXPANDED, expand, FRESH, migrateData, type Request } from './scenario.ts'

/**
 * Row 87, in a file of its own because the node tries for half a minute before it gives up. A trigger of the user says what the
 * server says to the one that loses a deadlock.
 */
const losing = (condition: string): string => `${DEMO};
  create function lose() returns trigger language plpgsql as $$
    begin if ${condition} then raise 'deadlock detected' using errcode = '40P01'; end if; return new; end $$;
  create trigger zzz_lose before update on users for each row execute function lose()`

const COPY: Request = { ...migrateData('name', 'full_name', { batch_size: 50 }), msg_id: 2 }

test('row 87: a deadlock that is left after all attempts is 30, or 13 when a part was done; a retry goes on', async () => {
  const outcomes = ['true', 'new.id = 400'].map(async (condition) => {
    const database = await testDatabase(losing(condition))
    const node = startNode(['--database', database.url, ...FRESH])
    expect(await node.ask({ ...expand('users', 'full_name'), msg_id: 1 })).toBe(EXPANDED.replace('N', '1'))
    const refused = await node.ask(COPY)
    await database.query('drop trigger zzz_lose on users')
    // Neither is kept as the reply to this message.
    expect(await node.ask(COPY)).toBe(COPIED.replace('N', '2'))
    return refused
  })
  const [nothing, part] = await Promise.all(outcomes)
  expect(nothing).toMatch(/^\{"type": "error", "in_reply_to": 2, "code": 30, "text": "[^"]*(\\"[^"]*)*"\}$/)
  expect(part).toMatch(/^\{"type": "error", "in_reply_to": 2, "code": 13, .*, "rows_done": \d+\}$/)
})
