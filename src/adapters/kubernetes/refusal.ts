import { BellowsError, messageOf } from '../../core/errors.ts'
import { type Intent, intentWords, RESOURCES } from './resources.ts'

/** How the API server says no. Source: Kubernetes API reference, "Status". */
interface Status {
  readonly kind?: string
  readonly message?: string
  readonly reason?: string
}

const TEXT_CHARS_MAX = 300

/** The error for an answer that is not a 2xx. Its fact `status` is the HTTP status. */
export function refusal(intent: Intent, status: number, body: string, who: string): BellowsError {
  const said = messageIn(body)
  return new BellowsError(
    status >= 500 || status === 429 ? 'cluster_unreachable' : 'cluster_refused',
    `The cluster refused to ${intentWords(intent)}: ${said === '' ? `HTTP ${status}` : said}`,
    { hint: hintFor(intent, status, who), facts: { status } },
  )
}

/** Another cause than the server's word: it does not answer, or is not the one that its certificate is for. */
export function unreachable(intent: Intent, server: URL, error: unknown): BellowsError {
  if (error instanceof BellowsError) return error
  const message = messageOf(error)
  return new BellowsError(
    'cluster_unreachable',
    `The cluster at ${server.origin} could not be asked to ${intentWords(intent)}: ${message || 'no answer'}`,
    {
      cause: error,
      hint: isAboutTrust(error)
        ? 'Its certificate is not the one expected: see "certificate-authority" and "tls-server-name" in the kubeconfig.'
        : 'See whether "kubectl get pods" works. Then run the same command again: it looks before it acts.',
    },
  )
}

/** Neither waiting nor trying again makes such a server the right one. */
export function isAboutTrust(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  return /CERT|SIGNATURE|SELF_SIGNED|TLS|SSL/.test(code)
}

/** Is what was asked for too old for the server to remember? */
export function isGone(error: unknown): boolean {
  return statusIn(error) === 410
}

export function statusIn(error: unknown): unknown {
  return error instanceof BellowsError ? error.facts.status : undefined
}

function messageIn(body: string): string {
  try {
    const { message, reason } = JSON.parse(body) as Status
    return message ?? reason ?? ''
  } catch {
    return body.trim().slice(0, TEXT_CHARS_MAX)
  }
}

function hintFor({ verb, kind, namespace }: Intent, status: number, who: string): string {
  const { plural } = RESOURCES[kind]
  switch (status) {
    case 401:
      return `The credentials of ${who} are not accepted. Log in anew, or correct the kubeconfig.`
    case 403:
      return `Grant "${verb}" on "${plural}" in the namespace "${namespace}": examples/kubernetes/rbac.yaml has all that is needed.`
    case 404:
      return `Correct "namespace" and "workloads" in the config file: kubectl get ${plural} -n ${namespace}`
    case 409:
      return 'Somebody else changed it at the same moment. Run the same command again.'
    default:
      return 'Run the same command again when the cause is gone: it looks before it acts.'
  }
}
