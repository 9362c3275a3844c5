import { argument } from './argument.ts'
import { type Absent, type GateCheck, green, known, type Offender } from './check.ts'
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
export function brownoutCheck(column: string, brownout: Brownout, migration: string): GateCheck {
  const { began, until, isOver, refused, counted = 'writes' } = brownout
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
    offenders: offenders(column, brownout, migration),
    hint:
      refused > 0
        ? `Find who it was by their errors (SQLSTATE ${sqlstate}), change them, and try again: bellows brownout --for <time>`
        : refused < 0
          ? 'Try again: bellows brownout --for <time>'
          : 'Look again when it is over, or end it: bellows brownout --stop',
  }
}

/** What is refused leaves nothing in the database but a number: who it was, the log of the server says, and theirs. */
function offenders(column: string, brownout: Brownout, migration: string): readonly Offender[] {
  const { began, until, isOver, refused, counted = 'writes' } = brownout
  const { tried, sqlstate } = COUNTED[counted]
  const again = `bellows brownout ${argument(migration)} --for 5min`
  const over = isOver ? { lastSeen: until } : {}
  return [
    ...(isOver
      ? []
      : [{ who: 'the trial', firstSeen: began, fix: `bellows brownout ${argument(migration)} --stop` }]),
    ...(refused > 0
      ? [
          known<Offender>({
            who: `whoever ${tried} ${column}: ${refused} statements, which failed with SQLSTATE ${sqlstate}`,
            firstSeen: began,
            ...over,
            fix: `find it by its errors, there or in the log of the server, change it, and try again: ${again}`,
          }),
        ]
      : []),
    ...(refused < 0 ? [{ who: 'the counter of the trial', firstSeen: began, fix: again }] : []),
  ]
}

/** What of a column can be refused. */
const TRIED = { writes: 'Its writes', changes: 'Changes of it in rows that are there' } as const

/**
 * Why no trial speaks for what leaves, or not for all of its use.
 * @param counted what is counted of it, and can be refused; absent where nothing is
 */
export function brownoutAbsent(
  column: string,
  {
    counted,
    isMade,
    migration,
  }: { readonly counted?: Counted; readonly isMade: boolean; readonly migration: string },
): readonly Absent[] {
  const ask = `bellows brownout ${argument(migration)} --for 5min`
  if (counted === undefined)
    return [
      {
        check: 'brownout',
        state: 'unavailable',
        because: `nothing counts the use of ${column}, so it cannot be tried without it`,
      },
    ]
  if (counted !== 'uses')
    return [
      {
        check: 'brownout',
        state: 'unavailable',
        because: `reads of ${column} cannot be refused on trial: nothing hides a plain column in a way that ends by itself${isMade ? '' : `. ${TRIED[counted]} can: ${ask}`}`,
      },
    ]
  return isMade
    ? []
    : [
        {
          check: 'brownout',
          state: 'not_asked_for',
          because: `all use of ${column} can be refused on trial: ${ask}`,
        },
      ]
}
