import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { isGroupThere, signalGroup } from '../../../src/adapters/os/process-group.ts'
import { isRunning, markProcess } from '../../../src/adapters/os/process-mark.ts'
import { cleanUp } from '../../support/database.ts'

/** A leader of its own group. */
function leader(...command: [string, ...string[]]): ChildProcess {
  const [program, ...args] = command
  const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'ignore'] })
  cleanUp(async () => {
    try {
      process.kill(-(child.pid ?? 0), 'SIGKILL')
    } catch {
      // It is gone, as it should be.
    }
  })
  return child
}

const actual = process.platform
afterEach(() => void Object.defineProperty(process, 'platform', { value: actual }))

// The way of macOS, by `ps`, works on Linux as well.
describe.each(['linux', 'darwin'].filter((each) => each === actual || actual === 'linux'))(
  'a group on %s',
  (platform) => {
    beforeEach(() => void Object.defineProperty(process, 'platform', { value: platform }))

    test('is there as long as its leader is, and hears what is sent to it', async () => {
      const child = leader('sleep', '600')
      const mark = markProcess(child.pid ?? 0)
      expect(isGroupThere(mark)).toBe(true)
      signalGroup(mark, 'SIGTERM')
      expect(await once(child, 'exit')).toEqual([null, 'SIGTERM'])
      expect(isGroupThere(mark)).toBe(false)
      signalGroup(mark, 'SIGTERM')
    })

    test('is there as long as somebody of it is, also without its leader', async () => {
      const child = leader('sh', '-c', 'sleep 600 & echo $!')
      const mark = markProcess(child.pid ?? 0)
      const [line] = await once(child.stdout as NodeJS.ReadableStream, 'data')
      const left = markProcess(Number(String(line)))
      await expect.poll(() => isRunning(mark)).toBe(false)
      expect(isGroupThere(mark)).toBe(true)
      signalGroup(mark, 'SIGKILL')
      await expect.poll(() => isRunning(left)).toBe(false)
      await expect.poll(() => isGroupThere(mark)).toBe(false)
    })

    test('is not there any more when only zombies are left of it', async () => {
      // The child of the group becomes that of a shell outside, which never asks for it.
      const outside = leader(
        'sh',
        '-c',
        'setsid sh -c "sleep 0.1 & echo \\$\\$; exec sleep 2" & exec sleep 600',
      )
      const [line] = await once(outside.stdout as NodeJS.ReadableStream, 'data')
      const mark = markProcess(Number(String(line)))
      expect(isGroupThere(mark)).toBe(true)
      await expect.poll(() => isGroupThere(mark)).toBe(false)
      expect(() => process.kill(-mark.pid, 0), 'as a number it is').not.toThrow()
    })

    test('is not that of a process that was given the number of its leader', async () => {
      const stranger = leader('sleep', '600')
      const mark = markProcess(stranger.pid ?? 0)
      const former = { ...mark, started: `1${mark.started}` }
      expect(isGroupThere(former)).toBe(false)
      signalGroup(former, 'SIGKILL')
      // What was sent is heard before this is.
      signalGroup(mark, 'SIGTERM')
      expect(await once(stranger, 'exit')).toEqual([null, 'SIGTERM'])
    })
  },
)
