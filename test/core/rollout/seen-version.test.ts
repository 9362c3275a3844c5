import { describe, expect, test } from 'vitest'
import {
  imageOf,
  isVersion,
  patternProblem,
  repositoryOf,
  type SeenVersion,
  sameVersion,
  seenVersion,
  VERSION_LABEL,
  versionProblem,
  versionWords,
} from '../../../src/core/rollout/seen-version.ts'

const PATTERN = 'registry/shop:{version}'

describe('the version of a pod', () => {
  test.each<[string, string | undefined, string | undefined, string | undefined, SeenVersion]>([
    ['is its label', '2', undefined, undefined, { known: '2' }],
    ['is its label when the image agrees', '2', 'registry/shop:2', PATTERN, { known: '2' }],
    ['is its label when the image is another one', '2', 'mirror/shop:9', PATTERN, { known: '2' }],
    [
      'is its label when nobody said what the images are called',
      '2',
      'registry/shop:9',
      undefined,
      { known: '2' },
    ],
    ['is its label when the image is pinned', '2', 'registry/shop@sha256:aa', PATTERN, { known: '2' }],
    [
      'is unclear when the image contradicts its label',
      '2',
      'registry/shop:1',
      PATTERN,
      { unclear: 'its label says "2", its image "1"' },
    ],
    ['is what stands at its place in the image', undefined, 'registry/shop:1', PATTERN, { known: '1' }],
    [
      'is that also with more around it',
      undefined,
      'r/shop:v1-alpine',
      'r/shop:v{version}-alpine',
      { known: '1' },
    ],
    ['is that also in the name of the image', undefined, 'r/shop-1:x', 'r/shop-{version}:x', { known: '1' }],
    ['is that also with a digest', undefined, 'registry/shop:1@sha256:aa', PATTERN, { known: '1' }],
    ['is the tag of another image', undefined, 'mirror:5000/shop:v3', PATTERN, { known: 'v3' }],
    ['is the tag when no image was said', undefined, 'shop:7', undefined, { known: '7' }],
    [
      'is unclear without a tag',
      undefined,
      'mirror:5000/shop',
      PATTERN,
      { unclear: `it has no label ${VERSION_LABEL}, and its image "mirror:5000/shop" no tag` },
    ],
    [
      'is unclear with a digest alone',
      undefined,
      'registry/shop@sha256:aa',
      undefined,
      { unclear: `it has no label ${VERSION_LABEL}, and its image "registry/shop@sha256:aa" no tag` },
    ],
    [
      'is unclear where the place is empty',
      undefined,
      'registry/shop:',
      PATTERN,
      { unclear: `it has no label ${VERSION_LABEL}, and its image "registry/shop:" no tag` },
    ],
    [
      'is unclear without its container',
      undefined,
      undefined,
      PATTERN,
      { unclear: `it has no label ${VERSION_LABEL}, and its image "" no tag` },
    ],
  ])('%s', (_what, label, image, pattern, seen) => {
    expect(seenVersion(label === undefined ? {} : { [VERSION_LABEL]: label }, image, pattern)).toEqual(seen)
  })

  test('an unclear one is no version, and the same only as another unclear one', () => {
    const unclear = { unclear: 'why' }
    expect(isVersion(unclear, '2')).toBe(false)
    expect(isVersion({ known: '2' }, '2')).toBe(true)
    expect(sameVersion(unclear, { known: '2' })).toBe(false)
    expect(sameVersion({ known: '2' }, unclear)).toBe(false)
    expect(sameVersion({ known: '2' }, { known: '2' })).toBe(true)
    expect(sameVersion({ known: '1' }, { known: '2' })).toBe(false)
    expect(sameVersion(unclear, { unclear: 'another reason' })).toBe(true)
    expect(versionWords(unclear)).toBe('an unclear version (why)')
    expect(versionWords({ known: '2' })).toBe('version 2')
  })
})

describe('an image', () => {
  test('of a version has it in its place', () => {
    expect(imageOf(PATTERN, '2')).toBe('registry/shop:2')
  })

  test.each([
    ['registry:5000/team/shop:2', 'registry:5000/team/shop'],
    ['registry:5000/team/shop', 'registry:5000/team/shop'],
    ['shop:2@sha256:aa', 'shop'],
    ['shop@sha256:aa', 'shop'],
    ['shop', 'shop'],
  ])('%s is of the repository %s', (image, repository) => {
    expect(repositoryOf(image)).toBe(repository)
  })

  test.each([
    [PATTERN, true],
    ['registry/shop:2', false],
    ['{version}/shop:{version}', false],
  ])('pattern %s: %s', (pattern, isGood) => {
    expect(patternProblem(pattern) === undefined).toBe(isGood)
  })
})

test.each([
  ['2', true],
  ['1.4.2', true],
  ['v1_rc-1', true],
  ['a'.repeat(63), true],
  ['a'.repeat(64), false],
  ['', false],
  ['1+build', false],
  ['-1', false],
  ['1.', false],
  ['ü', false],
])('the version "%s" can be a label: %s', (version, can) => {
  expect(versionProblem(version) === undefined).toBe(can)
})
