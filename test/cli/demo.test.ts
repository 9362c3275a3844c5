import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Workplace, workplace } from '../support/cli.ts'

/** The three messages and what the node must answer, to the byte. */
const WIRE = [
  '  > {"type":"migrate","msg_id":1,"phase":"expand","table":"users","add_column":"full_name"}',
  '  < {"type": "migration_applied", "in_reply_to": 1, "version": 1, "name": "add_full_name_column", "schema": "users (name, full_name NULL)", "backward_compatible": true}',
  '  > {"type":"migrate","msg_id":2,"phase":"migrate_data","from":"name","to":"full_name"}',
  '  < {"type": "data_migrated", "in_reply_to": 2, "version": 2, "rows_migrated": 1000}',
  '  > {"type":"migrate","msg_id":3,"phase":"contract","table":"users","remove_column":"name"}',
  '  < {"type": "migration_applied", "in_reply_to": 3, "version": 3, "name": "remove_name_column", "schema": "users (full_name)"}',
]

/** A place whose temporary folder is its own, so that what is left of a demo is seen. */
async function ownPlace(): Promise<{ readonly place: Workplace; readonly temporary: string }> {
  const temporary = (await workplace()).folder
  return { place: await workplace({ TMPDIR: temporary }), temporary }
}

/** A demo that has come so far that it says this. */
async function demoThatSays(words: string) {
  const { place, temporary } = await ownPlace()
  const demo = place.start('demo', '--rows', '500', '--keep')
  let said = ''
  for (const output of [demo.child.stdout, demo.child.stderr])
    output?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  await expect.poll(() => said, { timeout: 90_000 }).toContain(words)
  return { ...demo, temporary, said: () => said }
}

/** Processes that were started with this folder for what is temporary, whoever started them. */
function processesOf(temporary: string): readonly string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => environmentOf(pid).includes(`TMPDIR=${temporary}`))
}

function environmentOf(pid: string): readonly string[] {
  try {
    return readFileSync(path.join('/proc', pid, 'environ'), 'utf8').split('\0')
  } catch {
    return []
  }
}

const onLinux = process.platform === 'linux'

describe('the demo', () => {
  test('shows the wire, deploys a rename under traffic, every claim holds, and nothing is left of it', async () => {
    const { place, temporary } = await ownPlace()
    const { code, out, err } = await place.run('demo', '--rows', '5000')

    expect(code, out + err).toBe(0)
    expect(out.split('\n').filter((line) => /^ {2}[<>] /.test(line))).toEqual(WIRE)
    expect(out.match(/^ {2}yes /gm), out).toHaveLength(5)
    expect(out).toMatch(/[1-9]\d* requests served, 0 failed/)
    expect(out).toContain('0 rows differ from what was written, or are missing')
    expect(out).toMatch(/closed in all [1-9]\d* looks at it while the old version was there/)
    expect(out).toContain('before  users (id bigint not null, name text not null, email text)')
    expect(out).toContain('after   users (id bigint not null, email text, full_name text not null)')
    // What each version answered in each stretch.
    expect(out).toMatch(/^ {2}before +[1-9][\d,]* +0 +0 +[\d.]+ +[\d.]+$/m)
    expect(out).toMatch(/^ {2}during +[1-9][\d,]* +[1-9][\d,]* +0 +[\d.]+ +[\d.]+$/m)
    expect(out).toMatch(/^ {2}after +0 +[1-9][\d,]* +0 +[\d.]+ +[\d.]+$/m)
    // What the deploy itself says.
    expect(err).toMatch(
      /will replace 3[\s\S]*expand: done[\s\S]*backfill: done[\s\S]*verify: done[\s\S]*web-1-r2-1 serves[\s\S]*web-3-r1-1 is gone[\s\S]*gate: every check is green/,
    )
    expect(err).not.toMatch(/error/i)
    expect(readdirSync(temporary), 'nothing of it is left').toEqual([])
  })

  test('that is kept can be looked at with the commands until it is interrupted', async () => {
    const { child, ended, said, temporary } = await demoThatSays('bellows deploy status')
    const [, url = ''] = /^ {2}(http\S+)$/m.exec(said()) ?? []
    const [, folder = '', database = ''] = /cd (\S+) && export DATABASE_URL='(\S+)'/.exec(said()) ?? []
    expect(await fetch(url).then((answer) => answer.json())).toEqual({
      id: '1',
      name: expect.stringContaining('User 1'),
    })
    const site = await workplace({ DATABASE_URL: database }, folder)
    const { out } = await site.run('deploy', 'status', '0002_rename_name')
    expect(out).toContain('the rollout of "2" is done')
    expect(out.match(/ serving/g)).toHaveLength(3)

    child.kill('SIGINT')

    expect((await ended).code).toBe(0)
    if (onLinux) expect(processesOf(temporary)).toEqual([])
    expect(readdirSync(temporary)).toEqual([])
  })

  test.runIf(onLinux).each([
    ['its supervisor starts', '$ bellows supervise'],
    ['some instances are of the new version', 'web-2-r2-1 starts'],
  ])('takes everything with it when it is killed while %s', async (_when, words) => {
    const { child, ended, temporary } = await demoThatSays(words)
    // This one, its server with the watchdog, the supervisor.
    await expect.poll(() => processesOf(temporary).length).toBeGreaterThan(3)
    child.kill('SIGKILL')
    await ended
    await expect.poll(() => processesOf(temporary), { timeout: 60_000 }).toEqual([])
    await expect.poll(() => readdirSync(temporary), { timeout: 60_000 }).toEqual([])
  })

  test.each([['0.5'], ['-1'], ['many']])('refuses --rows %s', async (rows) => {
    const { code, out, err } = await (await workplace()).run('demo', '--rows', rows)
    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(err).toContain('rows')
  })
})
