// Users with Prisma, on a pool that it shares with `announce`. What it serves, and how it is started: ../service.mjs
// Each version has a schema of its own; `npm run generate` makes the clients of both.
import { PrismaPg } from '@prisma/adapter-pg'
import { announce } from 'bellows/app'
import pg from 'pg'
import { announcement, column, serve } from '../service.mjs'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 4 })
// An idle session that is lost is no reason to end: the pool makes another.
pool.on('error', (error) => console.error(error.message))
const instance = await announce(pool, { application: 'prisma', uses: [`users.${column}`], ...announcement })

const { PrismaClient } = (await import(`./generated/${column}/index.js`)).default
const prisma = new PrismaClient({ adapter: new PrismaPg(pool) })

const users = {
  read: async (id) => {
    const user = await prisma.user.findUnique({ where: { id: Number(id) } })
    return user && { id: user.id, name: user[column] }
  },
  add: (name) => prisma.user.create({ data: { [column]: name }, select: { id: true } }),
  change: async (id, name) =>
    (await prisma.user.updateMany({ where: { id: Number(id) }, data: { [column]: name } })).count,
}

await serve(instance, users, async () => {
  await prisma.$disconnect()
  await pool.end()
})
