import { type GateCheck, green } from './check.ts'

/** The last trial in which writes of the old column failed. */
export interface Brownout {
  readonly began: string
  readonly until: string
  readonly isOver: boolean
  /** Statements that failed because of it. */
  readonly refused: number
}

/** E8: a trial was made, is over, and nobody noticed. Only for writes: reads of a plain column cannot be switched off safely. */
export function brownoutCheck(column: string, { began, until, isOver, refused }: Brownout): GateCheck {
  if (isOver && refused === 0)
    return green('brownout', [`nobody tried to write ${column} on trial from ${began} to ${until}`])
  const tried = `${refused} statements tried to write ${column} on trial since ${began}`
  return {
    check: 'brownout',
    state: 'red',
    code: 'gate_closed',
    because: [
      ...(isOver ? [] : [`the trial of ${column} goes on until ${until}`]),
      ...(refused > 0 ? [tried] : []),
    ],
    offenders: [],
    hint:
      refused > 0
        ? 'Find who it was by their errors (SQLSTATE 42703), change them, and try again: bellows brownout --for <time>'
        : 'Look again when it is over, or end it: bellows brownout --stop',
  }
}
