import { versionWords } from './seen-version.ts'
import type { Roll } from './workload-event.ts'

/** A version of the application that the database cannot serve any more. */
export interface TooOld {
  readonly version: string
  readonly because: string
}

/** Why what was before cannot be brought back, when one of its versions is too old. */
export function whyNotBroughtBack(versions: readonly string[], old: readonly TooOld[]): string | undefined {
  const barred = old.find(({ version }) => versions.includes(version))
  return barred === undefined ? undefined : `"${barred.version}" cannot be brought back: ${barred.because}`
}

/** Why the kept templates may not be put back; of one that nobody can tell it is not known that it may. */
export function whyNotPutBack({ stages }: Roll, old: readonly TooOld[]): string | undefined {
  const saved = Object.values(stages).flatMap((stage) => ('saved' in stage ? [stage.saved.version] : []))
  const barred = whyNotBroughtBack(
    saved.flatMap((version) => ('known' in version ? [version.known] : [])),
    old,
  )
  const unclear = saved.find((version) => 'unclear' in version)
  if (barred !== undefined || unclear === undefined || old.length === 0) return barred
  return `${versionWords(unclear)} cannot be brought back: it may be one that a contract has made too old`
}
