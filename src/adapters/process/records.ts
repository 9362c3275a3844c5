import { open, readdir, readFile, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { BellowsError } from '../../core/errors.ts'
import type { FleetInstance, Placement } from '../../core/rollout/fleet.ts'
import type { ProcessMark } from '../os/process-mark.ts'

/** What is kept of an instance, so that a supervisor that was killed is followed by one that knows. */
export interface ChildRecord extends Placement {
  readonly state: FleetInstance['state']
  /** When it came into this state, by `monotonicMs`. */
  readonly sinceMs: number
  /** It served when it ended by itself: it serves again as soon as it is well. */
  readonly resumes?: boolean | undefined
  /** Absent while it has no process. */
  readonly process?: ProcessMark | undefined
  readonly port?: number | undefined
  /** How often it was started again after it had ended by itself. */
  readonly restarts: number
  /** It was sent SIGTERM. Not twice: to many programs the second one means "at once". */
  readonly told?: boolean | undefined
  readonly ended?: string | undefined
}

export interface Records {
  readAll(): Promise<readonly ChildRecord[]>
  /** Whole or not at all. Calls for one instance must not overlap. */
  write(record: ChildRecord): Promise<void>
  remove(id: string): Promise<void>
}

const ENDING = '.json'

/** One file an instance. */
export function fileRecords(folder: string): Records {
  const fileOf = (id: string): string => path.join(folder, `${id}${ENDING}`)
  return {
    readAll: async () => {
      const names = (await readdir(folder)).filter((name) => name.endsWith(ENDING)).toSorted()
      return await Promise.all(names.map((name) => read(path.join(folder, name))))
    },
    write: async (record) => {
      const fresh = `${fileOf(record.id)}.new`
      const file = await open(fresh, 'w', 0o600)
      try {
        await file.writeFile(`${JSON.stringify(record)}\n`)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(fresh, fileOf(record.id))
    },
    remove: (id) => rm(fileOf(id), { force: true }),
  }
}

async function read(file: string): Promise<ChildRecord> {
  try {
    return JSON.parse(await readFile(file, 'utf8')) as ChildRecord
  } catch (cause) {
    throw new BellowsError('data_folder_unusable', `The record "${file}" cannot be read.`, {
      hint: 'It says which process an instance is. End that process if it runs, remove the file, and start again.',
      cause,
    })
  }
}
