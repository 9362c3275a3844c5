import { type ExecFileException, execFile } from 'node:child_process'
import path from 'node:path'
import { BellowsError } from '../../core/errors.ts'
import type { Access, Credentials } from './access.ts'
import type { ClusterEntry, ExecEntry } from './kubeconfig-format.ts'

/** A person may have to log in with the plug-in's own window. */
const PLUGIN_TIMEOUT_MS = 120_000
const OUTPUT_BYTES_MAX = 2 ** 20
/** Credentials are replaced so long before they expire: a request that takes as long must not outlive them. */
const EXPIRY_MARGIN_MS = 30_000
const ERROR_CHARS_MAX = 500

const SUPPORTED = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1']

interface Held {
  readonly credentials: Credentials
  readonly expiresAtMs: number
}

/**
 * Credentials that a program brings, kept until they expire or are not accepted.
 * Source: Kubernetes documentation, "client-go credential plugins".
 * @param folder where a relative path of the program starts from
 */
export function execCredentials(
  exec: ExecEntry,
  folder: string,
  cluster: ClusterEntry,
): Pick<Access, 'credentials' | 'renew'> {
  refuseUnsupported(exec)
  let held: Promise<Held> | undefined
  const fresh = (): Promise<Held> => {
    const running = runPlugin(exec, folder, cluster)
    held = running
    // What failed is asked for anew by the next request.
    running.catch(() => {
      if (held === running) held = undefined
    })
    return running
  }
  return {
    credentials: async () => {
      const standing = await held
      if (standing !== undefined && standing.expiresAtMs - EXPIRY_MARGIN_MS > Date.now())
        return standing.credentials
      return (await fresh()).credentials
    },
    renew: () => {
      held = undefined
      return true
    },
  }
}

function refuseUnsupported(exec: ExecEntry): void {
  if (!SUPPORTED.includes(exec.apiVersion)) {
    throw new BellowsError(
      'config_invalid',
      `The kubeconfig's plug-in "${exec.command}" speaks "${exec.apiVersion}", which is not supported.`,
      { hint: `Use one of ${SUPPORTED.join(', ')}; newer plug-ins speak them.` },
    )
  }
  if (exec.interactiveMode === 'Always') {
    throw new BellowsError('config_invalid', `The kubeconfig's plug-in "${exec.command}" needs a terminal.`, {
      hint: 'Use credentials that need nobody to type: a token, a client certificate, or a plug-in without interactiveMode Always.',
    })
  }
}

async function runPlugin(exec: ExecEntry, folder: string, cluster: ClusterEntry): Promise<Held> {
  const asked = {
    apiVersion: exec.apiVersion,
    kind: 'ExecCredential',
    spec: {
      interactive: false,
      ...(exec.provideClusterInfo === true ? { cluster: clusterFacts(cluster) } : {}),
    },
  }
  const own = Object.fromEntries((exec.env ?? []).map(({ name, value }) => [name, value]))
  const env = { ...process.env, ...own, KUBERNETES_EXEC_INFO: JSON.stringify(asked) }
  // As in a shell: a name with a slash is a path, one without is looked for in PATH.
  const program = /[\\/]/.test(exec.command) ? path.resolve(folder, exec.command) : exec.command
  const output = await new Promise<string>((resolve, reject) => {
    const options = { env, timeout: PLUGIN_TIMEOUT_MS, maxBuffer: OUTPUT_BYTES_MAX }
    const child = execFile(program, exec.args ?? [], options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(pluginFailed(exec, why(error, stderr), error))
    })
    child.stdin?.end()
  })
  return credentialsIn(exec, output)
}

/** The plug-in's view of the cluster, named as its protocol names it. */
function clusterFacts(cluster: ClusterEntry): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    ['server', 'tls-server-name', 'insecure-skip-tls-verify', 'certificate-authority-data']
      .map((name) => [name, cluster[name]] as const)
      .filter(([, value]) => value !== undefined),
  )
}

function credentialsIn(exec: ExecEntry, output: string): Held {
  const answer = parsed(exec, output)
  if (answer.kind !== 'ExecCredential' || answer.apiVersion !== exec.apiVersion)
    throw pluginFailed(
      exec,
      `it answered with ${answer.apiVersion ?? 'no version'} ${answer.kind ?? 'of no kind'}`,
    )
  const { token, clientCertificateData, clientKeyData, expirationTimestamp } = answer.status ?? {}
  if (token === undefined && clientCertificateData === undefined)
    throw pluginFailed(exec, 'its answer has neither a token nor a certificate')
  const expiresAtMs =
    expirationTimestamp === undefined ? Number.POSITIVE_INFINITY : Date.parse(expirationTimestamp)
  if (Number.isNaN(expiresAtMs))
    throw pluginFailed(exec, `its expirationTimestamp is "${expirationTimestamp}"`)
  return {
    credentials: {
      ...(token === undefined ? {} : { token }),
      ...(clientCertificateData === undefined ? {} : { cert: clientCertificateData }),
      ...(clientKeyData === undefined ? {} : { key: clientKeyData }),
    },
    expiresAtMs,
  }
}

interface ExecCredential {
  readonly apiVersion?: string
  readonly kind?: string
  readonly status?: {
    readonly token?: string
    readonly clientCertificateData?: string
    readonly clientKeyData?: string
    readonly expirationTimestamp?: string
  }
}

/** The output has secrets in it, so no error repeats it. */
function parsed(exec: ExecEntry, output: string): ExecCredential {
  try {
    const answer: unknown = JSON.parse(output)
    if (typeof answer === 'object' && answer !== null) return answer
  } catch {}
  throw pluginFailed(exec, 'its output is not a JSON object')
}

function why(error: ExecFileException, stderr: string): string {
  if (error.code === 'ENOENT') return 'it is not installed'
  if (error.killed === true) return `it did not end within ${PLUGIN_TIMEOUT_MS / 1000} s`
  const words = stderr.trim().slice(-ERROR_CHARS_MAX)
  return words === '' ? `it ended with ${error.code ?? error.signal ?? 'an error'}` : words
}

function pluginFailed(exec: ExecEntry, reason: string, cause?: unknown): BellowsError {
  return new BellowsError(
    'cluster_unreachable',
    `The kubeconfig's plug-in "${exec.command}" brought no credentials: ${reason}.`,
    { cause, hint: exec.installHint ?? 'See whether "kubectl get pods" works, which runs the same plug-in.' },
  )
}
