import { randomUUID } from 'node:crypto'
import { cleanUp, testDatabase } from './database.ts'

/** Not a superuser, and owner of nothing but the tables: as at a provider of databases. */
export async function anOwner(): Promise<string> {
  const server = await testDatabase()
  const role = `owner_${randomUUID().slice(0, 8)}`
  await server.query(`create role ${role} login`)
  cleanUp(async () => void (await (await testDatabase()).query(`drop role ${role}`)))
  return role
}
