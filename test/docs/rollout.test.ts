import path from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { freePort } from '../adapters/process/support.ts'
import { workplace } from '../support/cli.ts'
import { testDatabase } from '../support/database.ts'
import { builtMain } from '../support/node-process.ts'
import { bellowsCalls, blocksOf, filledIn } from '../support/page.ts'
import { supervising } from '../support/supervise.ts'

const GIVEN = `create table users (id bigint generated always as identity primary key, name text not null);
  insert into users (name) select 'User ' || i from generate_series(1, 50) i`

/** The times of the page are those of production. */
const QUICK = {
  settings: { gate: { quietMs: 100 } },
  rollout: { pollMs: 50, minHealthyMs: 100, health: { success: 1, failure: 40 } },
}

test('the walk on one machine leads where docs/rollout.md says', async () => {
  const [config, ...blocks] = blocksOf('rollout.md', 'One machine')
  const port = await freePort()
  const database = await testDatabase(GIVEN)
  const place = await workplace({ DATABASE_URL: database.url })
  await place.write('bellows.config.yaml', configured(config?.text ?? '', port))
  const printed = blocks.find(({ language }) => language === 'text')?.text ?? ''
  let supervised = 0
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    for (const args of bellowsCalls(block)) {
      if (args[0] === 'supervise') {
        await supervising(place)
        supervised += 1
        continue
      }
      const ran = await place.run(...args.map((arg) => filledIn(arg, database)))
      expect(ran, `${args.join(' ')}\n${ran.err}`).toMatchObject({ code: 0 })
      if (args.join(' ').startsWith('deploy --to 2')) expect(told(ran.err)).toEqual(told(printed))
    }
    for (const [, target] of block.text.matchAll(/^curl --fail http:\/\/127\.0\.0\.1:8080(\S+)$/gm))
      expect(await (await fetch(`http://127.0.0.1:${port}${target}`)).json()).toEqual({
        id: '1',
        name: 'User 1',
      })
  }
  expect(supervised).toBe(1)
  expect(
    await database.query(
      `select attname from pg_attribute where attrelid = 'users'::regclass and attnum > 0 and not attisdropped order by 1`,
    ),
  ).toEqual(['email', 'full_name', 'id'].map((attname) => ({ attname })))
})

function configured(text: string, port: number): string {
  const config = parse(text)
  const { web } = config.deploy.processes.roles
  expect(web.command[1]).toBe('node_modules/bellows/examples/http-app/server.mjs')
  web.command[1] = path.resolve(path.dirname(builtMain()), '../../examples/http-app/server.mjs')
  web.listen = web.listen.replace('8080', String(port))
  config.settings = QUICK.settings
  config.deploy.rollout = QUICK.rollout
  return JSON.stringify(config)
}

/** What happened to the instances, in order: the page leaves out how long was waited for what. */
function told(text: string): readonly string[] {
  return text
    .split('\n')
    .filter((line) => /^(web-|next:|will |expand:|backfill:|verify:|rollout:|all of|done:)/.test(line))
}
