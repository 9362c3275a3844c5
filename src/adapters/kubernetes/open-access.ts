import { homedir } from 'node:os'
import { BellowsError } from '../../core/errors.ts'
import type { Access } from './access.ts'
import { inClusterAccess } from './in-cluster.ts'
import { kubeconfigFiles, readKubeconfig } from './kubeconfig.ts'

/**
 * The kubeconfig goes before the service account, as with kubectl.
 * @throws BellowsError `config_invalid` when there is neither
 */
export async function openAccess(
  context: string | undefined,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Access> {
  const files = kubeconfigFiles(env, homedir())
  const access =
    (await readKubeconfig(files, context)) ?? (context === undefined ? await inClusterAccess(env) : undefined)
  if (access !== undefined) return access
  throw new BellowsError(
    'config_invalid',
    `There is no kubeconfig at ${files.join(', ')}, and this is no pod.`,
    {
      hint: 'Set KUBECONFIG, or run where "kubectl get pods" works.',
    },
  )
}
