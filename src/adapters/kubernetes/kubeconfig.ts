import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { BellowsError, messageOf } from '../../core/errors.ts'
import type { Access, Credentials } from './access.ts'
import { execCredentials } from './exec-credential.ts'
import type { ClusterEntry, ContextEntry, Kubeconfig, UserEntry } from './kubeconfig-format.ts'

/** A file of the kubeconfig, and the folder that the paths in it start from. */
interface Loaded {
  readonly file: string
  readonly folder: string
  readonly content: Kubeconfig
}

interface Found<Entry> {
  readonly entry: Entry
  readonly from: Loaded
}

/** The files that kubectl would read: those of KUBECONFIG, else the one in the home folder. */
export function kubeconfigFiles(
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): readonly string[] {
  const named = (env.KUBECONFIG ?? '').split(path.delimiter).filter((file) => file !== '')
  return named.length > 0 ? named : [path.join(home, '.kube', 'config')]
}

/**
 * Reads kubeconfig files as kubectl merges them: the first that knows a name wins, one that is not there is passed over.
 * @param context the one to use in place of the current one
 * @returns undefined when none of the files is there
 * @throws BellowsError `config_invalid` for what cannot be read, is not there, or is of a form that is not supported
 */
export async function readKubeconfig(
  files: readonly string[],
  context?: string,
): Promise<Access | undefined> {
  const loaded = (await Promise.all(files.map(load))).filter((one) => one !== undefined)
  if (loaded.length === 0) return undefined
  const name =
    context ?? loaded.map(({ content }) => content['current-context'] ?? '').find((one) => one !== '')
  if (name === undefined) {
    throw invalid(
      loaded,
      'names no current context',
      'Say which one: --context <name>, or kubectl config use-context <name>',
    )
  }
  const chosen = pick(loaded, 'context', name, ({ contexts }) =>
    (contexts ?? []).map((one) => [one.name, one.context] as const),
  )
  const cluster = pick(loaded, 'cluster', chosen.entry.cluster, ({ clusters }) =>
    (clusters ?? []).map((one) => [one.name, one.cluster] as const),
  )
  const user = userOf(loaded, chosen)
  refuseUnsupported(cluster, user)
  return await accessOf(name, chosen.entry, cluster, user)
}

/** A context without a user, as for "kubectl proxy", is for a server that asks nobody who he is. */
function userOf(loaded: readonly Loaded[], { entry, from }: Found<ContextEntry>): Found<UserEntry> {
  if (entry.user === undefined || entry.user === '') return { entry: {}, from }
  return pick(loaded, 'user', entry.user, ({ users }) =>
    (users ?? []).map((one) => [one.name, one.user] as const),
  )
}

async function accessOf(
  name: string,
  context: ContextEntry,
  cluster: Found<ClusterEntry>,
  user: Found<UserEntry>,
): Promise<Access> {
  const { entry } = cluster
  const ca = await pemOf(cluster, entry['certificate-authority-data'], entry['certificate-authority'])
  const servername = entry['tls-server-name']
  return {
    name: `the context "${name}"`,
    server: serverOf(cluster),
    namespace: context.namespace ?? 'default',
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(servername === undefined ? {} : { servername }),
      rejectUnauthorized: entry['insecure-skip-tls-verify'] !== true,
    },
    ...credentialsOf(cluster, user),
  }
}

function credentialsOf(
  cluster: Found<ClusterEntry>,
  user: Found<UserEntry>,
): Pick<Access, 'credentials' | 'renew'> {
  const { exec } = user.entry
  if (exec !== undefined) return execCredentials(exec, user.from.folder, cluster.entry)
  return { credentials: () => storedCredentials(user), renew: () => false }
}

/** What the file says, files that it points to read anew: whoever rotates them does so without telling. */
async function storedCredentials(user: Found<UserEntry>): Promise<Credentials> {
  const { entry, from } = user
  const token =
    entry.tokenFile === undefined
      ? entry.token
      : (await readPart(from, entry.tokenFile)).toString('utf8').trim()
  const cert = await pemOf(user, entry['client-certificate-data'], entry['client-certificate'])
  const key = await pemOf(user, entry['client-key-data'], entry['client-key'])
  return {
    ...(token === undefined ? {} : { token }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  }
}

async function pemOf(
  { from }: Found<unknown>,
  inline: string | undefined,
  file: string | undefined,
): Promise<Buffer | undefined> {
  if (inline !== undefined && inline !== '') return Buffer.from(inline, 'base64')
  return file === undefined || file === '' ? undefined : await readPart(from, file)
}

async function readPart(from: Loaded, file: string): Promise<Buffer> {
  return await readFile(path.resolve(from.folder, file)).catch((error: unknown) => {
    throw invalid([from], `points to "${file}", which cannot be read`, 'Correct the path in it.', error)
  })
}

function serverOf({ entry, from }: Found<ClusterEntry>): URL {
  const server = URL.canParse(entry.server) ? new URL(entry.server) : undefined
  if (server?.protocol === 'https:' || server?.protocol === 'http:') return server
  throw invalid(
    [from],
    `has a cluster with the server "${entry.server}", which is no URL`,
    'Write https://host:port.',
  )
}

function pick<Entry>(
  loaded: readonly Loaded[],
  kind: 'context' | 'cluster' | 'user',
  name: string,
  entries: (content: Kubeconfig) => readonly (readonly [string, Entry])[],
): Found<Entry> {
  const all = loaded.flatMap((from) =>
    entries(from.content).map(([known, entry]) => ({ known, found: { entry, from } })),
  )
  const chosen = all.find(({ known }) => known === name)
  if (chosen !== undefined) return chosen.found
  const known = all.map((one) => one.known).join(', ')
  throw invalid(
    loaded,
    `has no ${kind} "${name}"`,
    known === '' ? `It has no ${kind} at all.` : `It has: ${known}.`,
  )
}

/** Better no connection than one as somebody else, or one that goes past a proxy that was asked for. */
function refuseUnsupported(cluster: Found<ClusterEntry>, user: Found<UserEntry>): void {
  const refuse = (from: Loaded, what: string, hint: string) => {
    throw invalid([from], `uses ${what}, which is not supported`, hint)
  }
  const { entry, from } = user
  const withExec = 'Use a token, a client certificate or an exec plug-in.'
  if (cluster.entry['proxy-url'] !== undefined)
    refuse(
      cluster.from,
      '"proxy-url"',
      'Run "kubectl proxy" and point a context at it: server: http://127.0.0.1:8001',
    )
  if (entry['auth-provider'] !== undefined)
    refuse(from, '"auth-provider"', `Kubernetes 1.26 has removed it, too. ${withExec}`)
  if (entry.username !== undefined || entry.password !== undefined)
    refuse(from, 'a user name and a password', `Kubernetes 1.19 has removed them, too. ${withExec}`)
  if (entry.as !== undefined) refuse(from, 'impersonation ("as")', `Name a user of its own. ${withExec}`)
}

async function load(file: string): Promise<Loaded | undefined> {
  const folder = path.dirname(path.resolve(file))
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw unreadable(file, error.message, error)
  })
  if (text === undefined) return undefined
  const { parse } = await import('yaml')
  const { kubeconfigFormat } = await import('./kubeconfig-format.ts')
  let content: unknown
  try {
    content = parse(text) ?? {}
  } catch (error) {
    throw unreadable(file, messageOf(error), error)
  }
  const parsed = kubeconfigFormat.safeParse(content)
  if (parsed.success) return { file, folder, content: parsed.data }
  const [issue] = parsed.error.issues
  throw unreadable(
    file,
    `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not of its format'}`,
    parsed.error,
  )
}

function unreadable(file: string, why: string, cause: unknown): BellowsError {
  return new BellowsError('config_invalid', `The kubeconfig "${file}" cannot be read: ${why}`, {
    cause,
    hint: 'See that "kubectl config view" shows it.',
  })
}

function invalid(loaded: readonly Loaded[], what: string, hint: string, cause?: unknown): BellowsError {
  const files = loaded.map(({ file }) => `"${file}"`).join(', ')
  return new BellowsError('config_invalid', `The kubeconfig ${files} ${what}.`, { hint, cause })
}
