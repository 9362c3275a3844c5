import type { AuditEntry, Bellows } from '../../src/index.ts'

/** The audit without the settings of a test, which ask for less than usual. */
export const goneWithout = async (bellows: Pick<Bellows, 'audit'>): Promise<readonly AuditEntry[]> =>
  (await bellows.audit()).filter((entry) => !('setting' in entry))
