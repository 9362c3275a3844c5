import type { GateStep } from '../plan/step.ts'

/**
 * What is counted of something that leaves: of a column the writes through it, by triggers, or only those of rows that are there; of a view
 * all use that its probe sees.
 */
export type Counted = 'writes' | 'changes' | 'uses'

export function countedOf({ thing, counts }: Pick<GateStep, 'thing' | 'counts'>): Counted {
  return thing === undefined ? (counts ?? 'writes') : 'uses'
}

interface Words {
  readonly since: string
  /** Behind a name: of what was used, and of whoever did. */
  readonly happened: string
  readonly did: string
  readonly who: string
  readonly seen: string
  readonly what: string
  readonly tried: string
  /** Behind all that was not tried: what of that nobody would know. */
  readonly unseen: string
  /** What whoever tries on trial is told, by its SQLSTATE: the same as behind the contract. */
  readonly sqlstate: string
  /** Numbers that are taken before anybody comes: where there are fewer a crash has emptied what counts. */
  readonly ahead: number
}

export const COUNTED: Readonly<Record<Counted, Words>> = {
  writes: {
    since: 'its writes are counted since then',
    happened: 'was written through the old shape',
    did: 'wrote it through the old shape',
    who: 'a writer of the old shape',
    seen: 'old-shape writes',
    what: 'writes through the old shape',
    tried: 'tried to write',
    unseen: '',
    sqlstate: '42703',
    ahead: 0,
  },
  changes: {
    since: 'it is watched from now on',
    happened: 'was changed in some row',
    did: 'changed it in some row',
    who: 'somebody who changes it',
    seen: 'changes of it in rows that are there, but INSERT',
    what: 'changes of it in rows that are there',
    tried: 'tried to change',
    unseen: ', as far as it is counted: INSERT is not',
    sqlstate: '42703',
    ahead: 0,
  },
  uses: {
    since: 'its use is counted since then',
    happened: 'was used',
    did: 'used it',
    who: 'somebody who uses it',
    seen: 'use of the view, but INSERT and what only reads',
    what: 'uses of the view',
    tried: 'tried to use',
    unseen: ', as far as it is counted: INSERT and what only reads is not',
    sqlstate: '42P01',
    ahead: 1,
  },
}
