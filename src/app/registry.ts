import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'

/** The part of a pool that announcing needs; `pg.Pool` has it. */
export interface Pool {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: readonly Record<string, unknown>[] }>
  /** Where `pg.Pool` keeps what its sessions are opened with. Absent: nobody knows what they are called. */
  readonly options?: { application_name?: string | undefined }
}

/** The three SQL calls, for one instance. */
export interface Registry {
  readonly instance: string
  /** @returns the columns that are not filled and verified yet */
  register(): Promise<readonly string[]>
  /** Registers again where somebody has released this instance by mistake; by the time of the answer it may be none. */
  renew(isStillHere: () => boolean): Promise<readonly string[]>
  release(): Promise<void>
}

export interface Registration {
  readonly uses: readonly string[]
  readonly application: string
  readonly instance?: string | undefined
  readonly leaseMs: number
  readonly version?: string | undefined
  readonly kind?: string | undefined
}

type Answer = { readonly not_ready?: readonly string[] }

/** Names the sessions of the pool at once, as long as it has opened none. */
export function registryOn(pool: Pool, { uses, application, leaseMs, ...given }: Registration): Registry {
  const instance = given.instance ?? `${application}-${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
  if (pool.options !== undefined) pool.options.application_name ??= `${application}/${instance}`

  const call = async (text: string, values: unknown[]) => {
    const { rows } = await pool.query(text, values)
    return (rows[0]?.answer as Answer | undefined)?.not_ready ?? []
  }
  const register = async () => {
    const { version = null, kind = null } = given
    const values = [instance, uses, leaseMs, application, await sessionName(pool), version, kind, hostname()]
    return call(
      `select bellows.register(${values.map((_, at) => `$${at + 1}`).join(', ')}) as answer`,
      values,
    ).catch(explained)
  }
  return {
    instance,
    register,
    renew: (isStillHere) =>
      call('select bellows.renew($1) as answer', [instance]).catch((error: unknown) => {
        if (detailOf(error) !== 'instance_unknown' || !isStillHere()) throw error
        return register()
      }),
    release: async () => void (await pool.query('select bellows.release($1)', [instance])),
  }
}

/** The registry must hold what the sessions really carry: the URL may say something else, and the server shortens a name. */
async function sessionName(pool: Pool): Promise<string | null> {
  if (pool.options === undefined) return null
  const { rows } = await pool.query("select pg_catalog.current_setting('application_name') as name")
  return (rows[0]?.name as string | undefined) ?? null
}

/** No such namespace, or no such function in it. */
const NOT_INSTALLED = ['3F000', '42883']

function explained(error: unknown): never {
  if (!NOT_INSTALLED.includes(sqlstateOf(error))) throw error
  throw new Error(
    'The database has no registry of instances yet. Make it once: bellows init --database <url>',
    { cause: error },
  )
}

/** The registry has answered, and the answer is no. */
export function isRefusal(error: unknown): boolean {
  return sqlstateOf(error) === 'BW003'
}

function sqlstateOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

function detailOf(error: unknown): unknown {
  return error instanceof Error && 'detail' in error ? error.detail : undefined
}
