import { appendFileSync, closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { fileLogs } from '../../../src/adapters/process/logs.ts'
import { stateFolder } from './support.ts'

const BYTES_MAX = 100

async function logs() {
  const kept = fileLogs(await stateFolder(), BYTES_MAX)
  return { ...kept, write: (text: string) => appendFileSync(kept.fileOf('a'), text) }
}

describe('the end of a log', () => {
  test('is empty where nothing was written', async () => {
    const { tail, write } = await logs()
    expect(await tail('a', 5)).toEqual([])
    write('')
    expect(await tail('a', 5)).toEqual([])
  })

  test.for([
    ['as many lines as were asked for', 'one\ntwo\nthree\n', 2, ['two', 'three']],
    ['all, when there are not so many', 'one\ntwo\n', 5, ['one', 'two']],
    ['also a line that is not over yet', 'one\ntw', 5, ['one', 'tw']],
    ['also empty lines', '\n\none\n\n', 3, ['', 'one', '']],
    ['none, when none is wanted', 'one\n', 0, []],
  ] as const)('has %s', async ([, text, lines, expected]) => {
    const { tail, write } = await logs()
    write(text)
    expect(await tail('a', lines)).toEqual(expected)
  })

  test('is read from there: of a large file only that', async () => {
    const { tail, write } = await logs()
    write(`${'x'.repeat(3 * 2 ** 20)}\n${'y'.repeat(2 ** 20)}\nlast\n`)
    expect(await tail('a', 50)).toEqual(['last'])
  })
})

describe('a log that is too large', () => {
  test('begins anew, while its writer goes on, and its former end is not lost', async () => {
    const { tail, bound, fileOf } = await logs()
    const writer = openSync(fileOf('a'), 'a')
    for (let line = 0; line < 30; line += 1) writeSync(writer, `line ${line}\n`)
    await bound('a')
    expect(statSync(fileOf('a')).size).toBe(0)
    expect(await tail('a', 2)).toEqual(['line 28', 'line 29'])
    writeSync(writer, 'line 30\n')
    closeSync(writer)
    expect(readFileSync(fileOf('a'), 'utf8')).toBe('line 30\n')
    expect(await tail('a', 2)).toEqual(['line 29', 'line 30'])
  })

  test('is moved once, although it is looked at meanwhile', async () => {
    const { tail, bound, write } = await logs()
    for (let line = 0; line < 30; line += 1) write(`line ${line}\n`)
    await Promise.all([bound('a'), bound('a'), bound('a')])
    expect(await tail('a', 1)).toEqual(['line 29'])
  })

  test('is one only above the bound', async () => {
    const { bound, fileOf, write } = await logs()
    await bound('a')
    write('x'.repeat(BYTES_MAX))
    await bound('a')
    expect(statSync(fileOf('a')).size).toBe(BYTES_MAX)
  })

  test('is removed with what it was before', async () => {
    const { tail, bound, remove, write } = await logs()
    write('x'.repeat(BYTES_MAX + 1))
    await bound('a')
    await remove('a')
    await remove('a')
    expect(await tail('a', 5)).toEqual([])
  })
})
