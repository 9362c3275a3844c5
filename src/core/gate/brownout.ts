import { type GateCheck, green } from './check.ts'
import { COUNTED, type Counted } from './counted.ts'

/** The last trial in which writes of the old column failed, or all use of the old view. */
export interface Brownout {
  readonly began: string
  readonly until: string
  readonly isOver: boolean
  /** Statements that failed because of it; less than none where what counts them was emptied meanwhile. */
  readonly refused: number
  /** Absent of a column. */
  readonly counted?: Counted
}

/** E8: a trial was made, is over, and nobody noticed. Reads of a plain column cannot be switched off safely, those of a view can. */
export function brownoutCheck(
  column: string,
  { began, until, isOver, refused, counted = 'writes' }: Brownout,
): GateCheck {
  const { tried: did, unseen, sqlstate } = COUNTED[counted]
  if (isOver && refused === 0)
    return green('brownout', [`nobody ${did} ${column} on trial from ${began} to ${until}${unseen}`])
  const tried = `${refused} statements ${did} ${column} on trial since ${began}`
  return {
    check: 'brownout',
    state: 'red',
    code: 'gate_closed',
    because: [
      ...(isOver ? [] : [`the trial of ${column} goes on until ${until}`]),
      ...(refused > 0 ? [tried] : []),
      ...(refused < 0
        ? [`a crash of the server has emptied what counted who ${did} ${column} on trial`]
        : []),
    ],
    offenders: [],
    hint:
      refused > 0
        ? `Find who it was by their errors (SQLSTATE ${sqlstate}), change them, and try again: bellows brownout --for <time>`
        : refused < 0
          ? 'Try again: bellows brownout --for <time>'
          : 'Look again when it is over, or end it: bellows brownout --stop',
  }
}
