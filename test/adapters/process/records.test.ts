import { readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ChildRecord, fileRecords } from '../../../src/adapters/process/records.ts'
import { placed, stateFolder } from './support.ts'

const record = (id: string, state: ChildRecord['state'] = 'starting'): ChildRecord => ({
  ...placed(id),
  state,
  sinceMs: 5,
  restarts: 0,
  process: { pid: 7, started: 'x' },
  port: 20_000,
})

describe('records', () => {
  test('are there again as they were written, until they are removed', async () => {
    const records = fileRecords(await stateFolder())
    expect(await records.readAll()).toEqual([])
    await records.write(record('b'))
    await records.write(record('a'))
    await records.write(record('b', 'serving'))
    expect(await records.readAll()).toEqual([record('a'), record('b', 'serving')])
    await records.remove('a')
    await records.remove('a')
    expect(await records.readAll()).toEqual([record('b', 'serving')])
  })

  test('are for their owner only, and leave nothing beside them', async () => {
    const folder = await stateFolder()
    await fileRecords(folder).write(record('a'))
    expect(readdirSync(folder)).toEqual(['a.json'])
    expect(statSync(path.join(folder, 'a.json')).mode & 0o777).toBe(0o600)
  })

  test('that were not written to the end do not count', async () => {
    const folder = await stateFolder()
    const records = fileRecords(folder)
    await records.write(record('a'))
    writeFileSync(path.join(folder, 'a.json.new'), '{"id":')
    expect(await records.readAll()).toEqual([record('a')])
    await records.write(record('a', 'serving'))
    expect(await records.readAll()).toEqual([record('a', 'serving')])
  })

  test('that cannot be read are not taken for none', async () => {
    const folder = await stateFolder()
    writeFileSync(path.join(folder, 'a.json'), '')
    await expect(fileRecords(folder).readAll()).rejects.toMatchObject({
      code: 'data_folder_unusable',
      message: expect.stringContaining('a.json" cannot be read'),
    })
  })
})
