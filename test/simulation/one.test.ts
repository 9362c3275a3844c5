import { test } from 'vitest'
import { begun, lived } from './life.ts'
import { chance } from './scenario.ts'

test('one', async () => {
  const life = begun(chance(Number(process.env.ONE) + 1))
  await lived(life, 0).catch((e) => console.log(e))
  console.log(JSON.stringify(life.given.rules), [...life.given.before], JSON.stringify(life.given.roles))
  console.log(JSON.stringify(life.wrongs))
  console.log(
    life.world.entries
      .map((e) => `${e.atMs - 1000000} ${JSON.stringify(e.event)}`)
      .slice(1)
      .join('\n'),
  )
})
