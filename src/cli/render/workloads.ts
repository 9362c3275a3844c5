import type { Inventory, KubernetesDeploy, WorkloadFacts } from '../../index.ts'

type SeenVersion = Inventory['pods'][number]['version']

const NAME_WIDTH = 28
const VERSION_WIDTH = 10

/** What is going to happen to the workloads, or what is waited for. */
export function workloadPreview(
  { mode }: KubernetesDeploy,
  version: string,
  workloads: readonly WorkloadFacts[],
): readonly string[] {
  const beginning =
    mode === 'drive'
      ? `will bring "${version}" into, one after the other:`
      : `will change no workload, and wait until "${version}" is in:`
  return [beginning, ...workloads.map((one) => `  ${one.kind} "${one.name}" (now ${plain(one.version)})`)]
}

/** The templates, and below them every pod and Job that has not ended. */
export function workloadLines(inventory: Inventory | undefined): readonly string[] {
  const { templates = [], pods = [], jobs = [] } = inventory ?? {}
  return [
    ...templates.map(({ kind, name, version }) => row(`${kind} ${name}`, version, 'template')),
    ...pods
      .filter(({ state }) => state !== 'ended')
      .map(({ name, version, state, ready }) =>
        row(`pod ${name}`, version, ready ? `${state}, ready` : state),
      ),
    ...jobs
      .filter(({ state }) => state !== 'ended')
      .map((one) => row(`Job ${one.name}`, one.version, one.state)),
    ...unread(inventory),
  ]
}

/** The same for machines. */
export function workloadFacts(inventory: Inventory | undefined) {
  const { templates = [], pods = [], jobs = [], unread = [] } = inventory ?? {}
  return {
    workloads: templates.map(({ kind, name, version }) => ({ kind, name, version: plain(version) })),
    pods: pods.map(({ name, version, state, ready }) => ({ name, version: plain(version), state, ready })),
    jobs: jobs.map(({ name, version, state }) => ({ name, version: plain(version), state })),
    unread,
  }
}

function unread(inventory: Inventory | undefined): readonly string[] {
  return (inventory?.unread ?? []).map((why) => `not seen: ${why}`)
}

function row(what: string, version: SeenVersion, state: string): string {
  return `  ${what.padEnd(NAME_WIDTH)} ${plain(version).padEnd(VERSION_WIDTH)} ${state}`
}

function plain(version: SeenVersion): string {
  return 'known' in version ? version.known : 'unclear'
}
