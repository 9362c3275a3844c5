import type { BrakeSettings } from './engine/settings.ts'

/** What the brake goes by where nobody has said otherwise, with the reason for each figure. */
export const DEFAULT_BRAKE: BrakeSettings = Object.freeze({
  // With the look itself less than a second from a signal to the pause.
  pollMs: 500,
  // A lost packet or a restart of what is asked stops nobody.
  blindMs: 10_000,
  pauseMaxMs: 24 * 3_600_000,
  // Standbys that applications read from are most often less than a second behind; a checkpoint alone makes that several.
  replayLagMs: 10_000,
  replayLagBytes: 256 * 1024 ** 2,
  // Less than most disks for the log have left.
  slotBytes: 10 * 1024 ** 3,
  // 640 MB, of which an archiver that is at work never has as many.
  archiveFiles: 40,
  // About the longest that a batch may take: whoever waits for more waits for several.
  lockWaitMs: 600,
  vacuum: 'slower',
  // An UPDATE of the whole table at once comes to 50; a vacuum that is at work comes long before.
  deadPercent: 80,
  // Longer than a backup of an ordinary database.
  horizonMs: 3_600_000,
  // A disk that is not busy takes a few, a synchronous standby far away some tens.
  commitMs: 200,
  // What is many depends on the machine.
  activeBackends: 'off',
  // Between two checkpoints the log alone takes 1 GB where nobody has said otherwise (max_wal_size), and a late one as much again.
  diskReserveBytes: 2 * 1024 ** 3,
  checks: [],
  checkTimeoutMs: 5_000,
} satisfies BrakeSettings)
