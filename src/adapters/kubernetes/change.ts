import { BellowsError } from '../../core/errors.ts'
import { canonical } from '../../core/hash.ts'
import type { Changed, Release, SavedTemplate } from '../../core/rollout/release.ts'
import { imageOf, isVersion, refuseUnwritable, VERSION_LABEL } from '../../core/rollout/seen-version.ts'
import { type RolledWorkload, workloadName } from '../../core/rollout/workload.ts'
import { conditionKey } from '../../core/rollout/workload-verdict.ts'
import type { Client, Patch, Read } from './client.ts'
import { conditionFacts } from './look.ts'
import type { Objects } from './objects.ts'
import { statusIn } from './refusal.ts'
import { templateOf, templatePath, versionOf } from './template.ts'

const ROLLOUT_ANNOTATION = 'bellows/rollout'
const CAUSE_ANNOTATION = 'kubernetes.io/change-cause'
/** Controllers write the status of the same object all the time; each write makes a change that was read before it conflict. */
const CONFLICTS_MAX = 10

type Target = Objects[RolledWorkload['kind']]

/** @throws BellowsError `config_invalid` when the container is not in it */
export async function savedTemplate(client: Client, workload: RolledWorkload): Promise<SavedTemplate> {
  const { value } = await client.get(workload.kind, workload.name)
  const template = templateOf(value)
  const names = (template.spec?.containers ?? []).map(({ name }) => name)
  // A patch would add a container that is not there.
  if (!names.includes(workload.container)) {
    throw new BellowsError(
      'config_invalid',
      `The ${workloadName(workload)} has no container "${workload.container}".`,
      { hint: `It has: ${names.join(', ')}. Correct "container" in the config file.` },
    )
  }
  return { version: versionOf(workload, template), template }
}

export async function applyRelease(
  client: Client,
  workload: RolledWorkload,
  release: Release,
  saved: SavedTemplate,
): Promise<Changed> {
  const content = releasePatch(workload, release)
  return await unlessOvertaken(client, workload, (target) => {
    if (isOurs(workload, release, target)) return 'done'
    if (!hasTemplate(target, saved)) return 'overtaken'
    const { resourceVersion } = target.metadata
    const metadata = { ...content.metadata, resourceVersion }
    return { type: 'strategic-merge', content: { ...content, metadata } }
  })
}

export async function restoreTemplate(
  client: Client,
  workload: RolledWorkload,
  release: Release,
  saved: SavedTemplate,
): Promise<Changed> {
  return await unlessOvertaken(client, workload, (target) => {
    if (hasTemplate(target, saved)) return 'done'
    if (!isOurs(workload, release, target)) return 'overtaken'
    const cause = `${release.cause}: taken back`
    return {
      type: 'json',
      content: [
        // With the version that was read the server refuses what comes after somebody else's change.
        { op: 'replace', path: '/metadata/resourceVersion', value: target.metadata.resourceVersion },
        { op: 'replace', path: `/${templatePath(workload.kind).join('/')}`, value: saved.template },
        { op: 'add', path: `/metadata/annotations/${CAUSE_ANNOTATION.replace('/', '~1')}`, value: cause },
      ],
    }
  })
}

/** Looks, and changes what it looked at or nothing. */
async function unlessOvertaken(
  client: Client,
  { kind, name }: RolledWorkload,
  decide: (target: Target) => Patch | 'done' | 'overtaken',
): Promise<Changed> {
  for (let attempt = 1; ; attempt += 1) {
    const seen: Read<Target> = await client.get(kind, name)
    const decision = decide(seen.value)
    if (decision === 'overtaken') return { state: 'overtaken' }
    if (decision === 'done') return changed(seen)
    try {
      return changed(await client.patch(kind, name, decision))
    } catch (error) {
      if (statusIn(error) !== 409 || attempt >= CONFLICTS_MAX) throw error
    }
  }
}

/** What the object says at this moment is about what was before. */
function changed({ value, atMs }: Read<Target>): Changed {
  const stale = conditionFacts(value, atMs).map(conditionKey)
  return { state: 'changed', generation: value.metadata.generation ?? 0, stale }
}

function isOurs(workload: RolledWorkload, release: Release, target: Target): boolean {
  const isNoted = target.metadata.annotations?.[ROLLOUT_ANNOTATION] === release.rollout
  return isNoted && isVersion(versionOf(workload, templateOf(target)), release.version)
}

function hasTemplate(target: Target, saved: SavedTemplate): boolean {
  return canonical(templateOf(target)) === canonical(saved.template)
}

/** Lists of containers and their variables are merged by name: nothing else of the template is touched. */
function releasePatch(workload: RolledWorkload, release: Release) {
  const { version, rollout, cause } = release
  refuseUnwritable(version)
  if (workload.image === undefined)
    throw new BellowsError(
      'config_invalid',
      `Nobody says what the image of the ${workloadName(workload)} is.`,
      {
        hint: 'Set "image" in the config file, such as registry/shop:{version}.',
      },
    )
  const container = {
    name: workload.container,
    image: imageOf(workload.image, version),
    env: [{ name: 'BELLOWS_VERSION', value: version }],
  }
  const template = { metadata: { labels: { [VERSION_LABEL]: version } }, spec: { containers: [container] } }
  const nested = templatePath(workload.kind).reduceRight<unknown>(
    (inner, key) => ({ [key]: inner }),
    template,
  )
  return {
    metadata: { annotations: { [ROLLOUT_ANNOTATION]: rollout, [CAUSE_ANNOTATION]: cause } },
    ...(nested as Readonly<Record<string, unknown>>),
  }
}
