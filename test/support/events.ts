import { expect } from 'vitest'
import type { Operation } from '../../src/core/operations/migration.ts'
import { testDatabase } from './database.ts'

/**
 * Partitions of `events`, by range of `at`: on two levels, with a default one, one without rows, and one that was a table by itself, in
 * another namespace and with its columns in another order.
 */
export const PARTITIONS = `
  alter table events attach partition "Old Days"."Events of 2020" for values from ('2020-01-01') to ('2021-01-01');
  create table events_2021 partition of events for values from ('2021-01-01') to ('2022-01-01') partition by hash (id);
  create table events_2021_a partition of events_2021 for values with (modulus 2, remainder 0);
  create table events_2021_b partition of events_2021 for values with (modulus 2, remainder 1);
  create table events_2022 partition of events for values from ('2022-01-01') to ('2023-01-01') partition by range (at);
  create table events_rest partition of events default;`

/** The plan says so, and nothing is begun. */
export async function expectRefused(given: string, operation: Operation, message: string): Promise<void> {
  const database = await testDatabase(given)
  const bellows = await database.bellows()
  await expect(bellows.plan({ name: '0001_test', operations: [operation] })).rejects.toMatchObject({
    code: 'plan_refused',
    message: expect.stringContaining(message),
  })
}
