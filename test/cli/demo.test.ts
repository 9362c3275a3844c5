import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
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

/** A demo that has come to its end and is kept, with its instances and their addresses. */
async function keptDemo(place: Workplace) {
  const demo = place.start('demo', '--rows', '500', '--keep')
  let out = ''
  demo.child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  while (!out.includes('/users/1\n') || (out.match(/v2-\d {6}http/g)?.length ?? 0) < 3) {
    if (demo.child.exitCode !== null) throw new Error(`the demo ended: ${(await demo.ended).err}`)
    await sleep(50)
  }
  return { ...demo, urls: [...out.matchAll(/v2-\d +(http\S+)/g)].map(([, url]) => url as string) }
}

const isGone = (url: string) =>
  fetch(url).then(
    () => false,
    () => true,
  )

describe('the demo', () => {
  test('shows the wire, renames under traffic, every claim holds, and nothing is left of it', async () => {
    const temporary = (await workplace()).folder
    const place = await workplace({ TMPDIR: temporary })
    const { code, out, err } = await place.run('demo', '--rows', '5000')

    expect(code, out + err).toBe(0)
    expect(out.split('\n').filter((line) => /^ {2}[<>] /.test(line))).toEqual(WIRE)
    expect(out.match(/^ {2}yes /gm), out).toHaveLength(5)
    expect(out).toMatch(/[1-9]\d* requests served, 0 failed/)
    expect(out).toContain('0 rows differ from what was written, or are missing')
    expect(out).toContain('before  users (id bigint not null, name text not null)')
    expect(out).toContain('after   users (id bigint not null, full_name text not null)')
    for (const stretch of ['before', 'during', 'after']) {
      expect(out).toMatch(new RegExp(`^ {2}${stretch} +[\\d,]+ +[\\d.]+ +[\\d.]+$`, 'm'))
    }
    expect(err).not.toMatch(/error/i)
    expect(readdirSync(temporary), 'nothing of it is left').toEqual([])
  })

  test('that is kept can be looked at until it is interrupted', async () => {
    const { child, ended, urls } = await keptDemo(await workplace())
    const answers = await Promise.all(urls.map((url) => fetch(url).then((answer) => answer.json())))
    expect(answers).toEqual(urls.map(() => ({ id: '1', name: expect.stringContaining('User 1') })))

    child.kill('SIGINT')

    expect((await ended).code).toBe(0)
    expect(await Promise.all(urls.map(isGone))).toEqual([true, true, true])
  })

  test('that is killed takes its instances with it', async () => {
    const { child, ended, urls } = await keptDemo(await workplace())
    child.kill('SIGKILL')
    await ended
    while (!(await Promise.all(urls.map(isGone))).every(Boolean)) await sleep(50)
  })

  test.each([['0.5'], ['-1'], ['many']])('refuses --rows %s', async (rows) => {
    const { code, out, err } = await (await workplace()).run('demo', '--rows', rows)
    expect({ code, out }).toEqual({ code: 64, out: '' })
    expect(err).toContain('rows')
  })
})
