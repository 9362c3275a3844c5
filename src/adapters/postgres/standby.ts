import type { Standby } from '../../engine/ports.ts'
import { type Target, withoutPassword } from './connection.ts'
import { openSessions } from './sessions.ts'

/** A server that only answers questions. Nothing is connected before the first one. */
export function openStandby(target: Target & { readonly url: string }): Standby {
  const sessions = openSessions(target)
  return {
    name: withoutPassword(target.url),
    read: (query) => sessions.read(query),
    close: () => sessions.close(),
  }
}
