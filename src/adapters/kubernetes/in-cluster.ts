import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { BellowsError } from '../../core/errors.ts'
import type { Access } from './access.ts'

/** Where Kubernetes puts the service account of a pod. Source: its documentation, "Accessing the Kubernetes API from a Pod". */
const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount'

/**
 * The cluster that this process runs in, as the service account of its pod.
 * @returns undefined outside a pod
 * @throws BellowsError `config_invalid` in a pod without a service account
 */
export async function inClusterAccess(
  env: Readonly<Record<string, string | undefined>>,
  folder = SERVICE_ACCOUNT,
): Promise<Access | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env
  if (!host || !port) return undefined
  const read = async (name: string) =>
    await readFile(path.join(folder, name)).catch((error: unknown) => {
      throw new BellowsError(
        'config_invalid',
        `The pod has no "${name}" of a service account in ${folder}.`,
        {
          cause: error,
          hint: 'Set automountServiceAccountToken: true and serviceAccountName in the pod, as in examples/kubernetes/rbac.yaml.',
        },
      )
    })
  return {
    name: 'the service account of this pod',
    server: new URL(`https://${host.includes(':') ? `[${host}]` : host}:${port}`),
    namespace: (await read('namespace')).toString('utf8').trim(),
    tls: { ca: await read('ca.crt'), rejectUnauthorized: true },
    // The kubelet puts a new token there before the old one expires.
    credentials: async () => ({ token: (await read('token')).toString('utf8').trim() }),
    renew: () => true,
  }
}
