import { BellowsError } from '../errors.ts'

/** The label of a pod template that says its version of the application. */
export const VERSION_LABEL = 'bellows/version'
const PLACE = '{version}'
/** Source: Kubernetes documentation, "Labels and Selectors": the syntax of a label's value. */
const LABEL_VALUE = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/

/** A version as the labels and the image of a pod tell it, or why they do not. */
export type SeenVersion = { readonly known: string } | { readonly unclear: string }

/**
 * The label goes before the image. When they contradict each other somebody changed one without the other, and neither is
 * believed: a label is no proof of what runs.
 */
export function seenVersion(
  labels: Readonly<Record<string, string>>,
  image: string | undefined,
  pattern: string | undefined,
): SeenVersion {
  const label = labels[VERSION_LABEL]
  const byPattern = matched(image, pattern)
  if (label !== undefined) {
    if (byPattern === undefined || byPattern === label) return { known: label }
    return { unclear: `its label says "${label}", its image "${byPattern}"` }
  }
  const byImage = byPattern ?? tagOf(image)
  if (byImage !== undefined) return { known: byImage }
  return { unclear: `it has no label ${VERSION_LABEL}, and its image "${image ?? ''}" no tag` }
}

export function isVersion(seen: SeenVersion, version: string): boolean {
  return 'known' in seen && seen.known === version
}

export function sameVersion(one: SeenVersion, other: SeenVersion): boolean {
  return 'known' in one ? isVersion(other, one.known) : 'unclear' in other
}

/** `version 2`, or `an unclear version (its label says …)`. */
export function versionWords(seen: SeenVersion): string {
  return 'known' in seen ? `version ${seen.known}` : `an unclear version (${seen.unclear})`
}

export function imageOf(pattern: string, version: string): string {
  return pattern.replace(PLACE, version)
}

/** The repository of an image, without tag and digest: `registry:5000/shop` of `registry:5000/shop:2`. */
export function repositoryOf(image: string): string {
  return withoutDigest(image).replace(/:[^:/]*$/, '')
}

/** Why a pattern cannot give the image of a version. */
export function patternProblem(pattern: string): string | undefined {
  return pattern.split(PLACE).length === 2 ? undefined : `has not exactly one ${PLACE} in it`
}

/** @throws BellowsError `config_invalid` for a version that cannot be written on a pod */
export function refuseUnwritable(version: string): void {
  const problem = versionProblem(version)
  if (problem === undefined) return
  throw new BellowsError('config_invalid', `The version "${version}" ${problem}.`, {
    hint: 'Name the version as the tag of its image.',
  })
}

/** Why a version cannot be written on a pod. */
export function versionProblem(version: string): string | undefined {
  if (LABEL_VALUE.test(version)) return undefined
  return 'can be no label: up to 63 letters, digits, dots, dashes and underscores, a letter or digit at both ends'
}

function matched(image: string | undefined, pattern: string | undefined): string | undefined {
  if (image === undefined || pattern === undefined) return undefined
  const [before = '', after = ''] = pattern.split(PLACE)
  const plain = withoutDigest(image)
  const isMatch =
    plain.startsWith(before) && plain.endsWith(after) && plain.length > before.length + after.length
  return isMatch ? plain.slice(before.length, plain.length - after.length) : undefined
}

function tagOf(image: string | undefined): string | undefined {
  return image === undefined ? undefined : /:([^:/]+)$/.exec(withoutDigest(image))?.[1]
}

function withoutDigest(image: string): string {
  return image.replace(/@.*$/, '')
}
