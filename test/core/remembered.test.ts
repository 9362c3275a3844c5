import { describe, expect, test } from 'vitest'
import { remembered } from '../../src/core/remembered.ts'

describe('remembered', () => {
  test('works once for each text, and keeps no more than a thousand', () => {
    const asked: string[] = []
    const upper = remembered((text) => {
      asked.push(text)
      return text === 'none' ? undefined : text.toUpperCase()
    })
    expect([upper('a'), upper('a'), upper('none'), upper('none')]).toEqual(['A', 'A', undefined, undefined])
    expect(asked).toEqual(['a', 'none'])
    for (let at = 0; at < 1_000; at += 1) upper(`${at}`)
    expect(upper('a')).toBe('A')
    expect(asked.filter((text) => text === 'a')).toHaveLength(2)
  })
})
