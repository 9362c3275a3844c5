import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { ConfigSources, RolloutChange } from '../config.ts'
import { BellowsError, type Command, type KubernetesDeploy } from '../index.ts'
import type { ProcessesSection } from './processes-format.ts'
import type { CommandSection } from './rollout-format.ts'

export type ConfigFile = ConfigSources['file'] & { readonly deploy?: DeploySection }

/** How the application is deployed, as the config file says it. */
export interface DeploySection {
  readonly processes?: ProcessesSection
  readonly command?: CommandSection
  readonly kubernetes?: KubernetesDeploy
  readonly rollout?: RolloutChange
  /** Run when a rollout ends, or stands still. */
  readonly notify?: Command
}

const NAMES = ['yaml', 'yml', 'json', 'ts', 'mts', 'js', 'mjs'].map(
  (extension) => `bellows.config.${extension}`,
)

/** The config file of a folder; an empty one when there is none. */
export async function readConfigFile(folder: string): Promise<ConfigFile> {
  const found = NAMES.map((name) => path.join(folder, name)).find((file) => existsSync(file))
  if (found === undefined) return {}
  const { configFormat } = await import('./config-format.ts')
  const parsed = configFormat.safeParse(await load(found))
  if (parsed.success) return parsed.data as ConfigFile
  const [issue] = parsed.error.issues
  throw new BellowsError(
    'config_invalid',
    `${found}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim(),
    {
      hint: 'docs/configuration.md lists every setting.',
    },
  )
}

async function load(file: string): Promise<unknown> {
  try {
    if (/\.(ya?ml|json)$/.test(file)) {
      const { parse } = await import('yaml')
      return parse(await readFile(file, 'utf8')) ?? {}
    }
    const { createJiti } = await import('jiti')
    return await createJiti(import.meta.url).import(file, { default: true })
  } catch (error) {
    throw new BellowsError(
      'config_invalid',
      `${file}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}
