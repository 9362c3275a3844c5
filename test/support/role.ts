import { cleanUp, type TestDatabase } from './database.ts'

/** A role that may log in and has no rights. */
export async function aRole(database: TestDatabase): Promise<string> {
  const role = `r_${database.name.slice(5, 20)}_${Math.floor(performance.now() * 1000) % 1_000_000}`
  await database.query(`create role ${role} login`)
  cleanUp(async () => void (await database.query(`drop owned by ${role}; drop role ${role}`)))
  return role
}
