import type { ProxyLimits } from '../../../../src/adapters/process/proxy/limits.ts'
import { createProxy, type ReverseProxy } from '../../../../src/adapters/process/proxy/proxy.ts'
import { cleanUp } from '../../../support/database.ts'
import type { Instance } from '../../../support/http.ts'

/** A proxy for the role "web", with instances `i1`, `i2` and so on behind it. */
export async function proxyFor(
  instances: readonly Instance[],
  limits: Partial<ProxyLimits> = {},
): Promise<ReverseProxy & { readonly port: number }> {
  const proxy = createProxy({ name: 'web', limits })
  cleanUp(() => proxy.close(0))
  for (const [at, { port }] of instances.entries()) proxy.admit({ id: `i${at + 1}`, port })
  return { ...proxy, port: await proxy.listen({ host: '127.0.0.1', port: 0 }) }
}

/** A promise with its handle outside. */
export function signal(): { readonly given: Promise<void>; readonly give: () => void } {
  let give = (): void => undefined
  const given = new Promise<void>((resolve) => {
    give = resolve
  })
  return { given, give }
}
