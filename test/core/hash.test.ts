import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonical, hash, hashOf } from '../../src/core/hash.ts'

describe('the hash', () => {
  test.each<[string, string]>([
    ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
    ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
    [
      'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
      '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
    ],
  ])('of %j is the one of the standard', (text, expected) => {
    expect(hash(text)).toBe(expected)
  })

  test('is that of the UTF-8 bytes, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(hash(text)).toBe(createHash('sha256').update(text, 'utf8').digest('hex'))
      }),
    )
  })
})

describe('the canonical text', () => {
  test.each<[string, unknown, string]>([
    ['a text', 'a', '"a"'],
    ['a number', 1.5, '1.5'],
    ['nothing', null, 'null'],
    ['an empty object', {}, '{}'],
    ['keys in another order', { b: 1, a: 2 }, '{"a":2,"b":1}'],
    ['keys at depth', { b: { d: 1, c: 2 }, a: [] }, '{"a":[],"b":{"c":2,"d":1}}'],
    ['objects within a list', [{ b: 1, a: 2 }], '[{"a":2,"b":1}]'],
    ['a list, whose order means something', [3, 1, 2], '[3,1,2]'],
    ['keys of capitals, by code unit', { a: 1, B: 2, _: 3 }, '{"B":2,"_":3,"a":1}'],
    ['what JSON leaves out', { a: undefined, b: 1 }, '{"b":1}'],
    ['texts that need escaping', { 'a"b': 'c\nd' }, '{"a\\"b":"c\\nd"}'],
  ])('of %s', (_what, value, expected) => {
    expect(canonical(value)).toBe(expected)
  })

  /** The same value with the keys of all its objects the other way round. */
  const reversed = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(reversed)
    if (value === null || typeof value !== 'object') return value
    return Object.fromEntries(
      Object.entries(value)
        .toReversed()
        .map(([key, inner]) => [key, reversed(inner)]),
    )
  }

  test('does not depend on the order in which keys were written', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(canonical(reversed(value))).toBe(canonical(value))
      }),
    )
  })

  test('loses nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        expect(JSON.parse(canonical(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  test('differs where values differ', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), (a, b) => {
        fc.pre(JSON.stringify(reversed(reversed(a))) !== JSON.stringify(reversed(reversed(b))))
        const same = canonical(a) === canonical(b)
        if (same) expect(JSON.parse(canonical(a))).toEqual(JSON.parse(canonical(b)))
      }),
    )
  })

  test('has the same hash as in pieces', () => {
    const given = fc.oneof(
      fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 })),
      fc.array(fc.jsonValue()),
    )
    fc.assert(
      fc.property(given, (value) => {
        expect(hashOf(value)).toBe(hash(canonical(value)))
      }),
    )
    expect(hashOf({ b: [{ c: undefined }, undefined], a: undefined })).toBe(hash('{"b":[{},null]}'))
  })

  test('leaves the value as it was', () => {
    const value = { b: 1, a: { d: 1, c: 2 } }
    canonical(value)
    expect(JSON.stringify(value)).toBe('{"b":1,"a":{"d":1,"c":2}}')
  })
})
