import { hostname, userInfo } from 'node:os'
import type { Actor } from '../core/run/event.ts'

/** Where pipelines say how they can be looked up: GitHub, GitLab, Jenkins. */
const PIPELINES: readonly ((env: NodeJS.ProcessEnv) => string | undefined)[] = [
  ({ GITHUB_SERVER_URL, GITHUB_REPOSITORY, GITHUB_RUN_ID }) =>
    GITHUB_RUN_ID && `${GITHUB_SERVER_URL}/${GITHUB_REPOSITORY}/actions/runs/${GITHUB_RUN_ID}`,
  ({ CI_JOB_URL }) => CI_JOB_URL,
  ({ BUILD_URL }) => BUILD_URL,
]

/** Who runs this process. */
export function thisActor(tool: string, env: NodeJS.ProcessEnv = process.env): Actor {
  const pipeline = PIPELINES.map((read) => read(env)).find((found) => found !== undefined && found !== '')
  return {
    user: userName(env),
    host: hostname(),
    tool,
    ...(pipeline === undefined ? {} : { pipeline }),
  }
}

/** In a container a process may run as a number that has no name. */
function userName(env: NodeJS.ProcessEnv): string {
  try {
    return userInfo().username
  } catch {
    return env.USER ?? String(process.getuid?.() ?? 'unknown')
  }
}
