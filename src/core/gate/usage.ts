import { lit } from '../sql.ts'
import { type GateCheck, type GateRules, green, known, type Offender } from './check.ts'
import { COUNTED } from './counted.ts'
import { type OldWrite, ranLately, type ServerUse, shortened, type UsageFacts, type Watch } from './watch.ts'

/**
 * E5: nothing has used the column for the quiet time, on any server that is watched. Reads are seen only where
 * `pg_stat_statements` is installed; writes through the old shape where a trigger counts them.
 */
export function usageCheck(
  column: string,
  facts: UsageFacts,
  watch: Watch,
  { quietMs: neededMs }: GateRules,
): GateCheck {
  const unknown = unknownUse(facts, neededMs)
  if (neededMs === 0 && unknown.length === 0) return green('usage', ['no quiet time is asked for'])
  const quietMs = Math.max(0, facts.nowMs - watch.sinceMs)
  const seen = sources(facts)
  if (unknown.length === 0 && quietMs >= neededMs)
    return green('usage', [`nothing has used ${column} for ${spoken(quietMs)} (seen: ${seen})`])
  return {
    check: 'usage',
    state: unknown.length > 0 ? 'unknown' : 'red',
    code: 'gate_closed',
    because: [
      ...unknown,
      `${column} is quiet for ${spoken(quietMs)} of ${spoken(neededMs)}: ${watch.because} (seen: ${seen})`,
    ],
    offenders: [
      ...(facts.writes?.last ?? []).map((one) => writer(one, COUNTED[facts.counted ?? 'writes'].who)),
      ...ranLately(facts, watch).map(reader),
      ...(watch.stood ?? []).flatMap(({ offenders }) => offenders),
    ],
    hint: `Look again in ${spoken(Math.max(0, neededMs - quietMs))}, or wait for it: bellows gate wait`,
  }
}

/** Why it is not known whether it was used; the time for which it must not have been matters only in that there is one. */
export function unknownUse(
  { servers, counted = 'writes', uncounted }: UsageFacts,
  neededMs = 1,
): readonly string[] {
  // Statements tell for how long it has been quiet, and nothing else: where no such time is asked for nobody misses them.
  const why = ({ unreadable, unseen }: ServerUse) => unreadable ?? (neededMs > 0 ? unseen : undefined)
  return [
    ...servers.flatMap((one) => {
      const reason = why(one)
      return reason === undefined ? [] : [`the use on ${one.server} is not known: ${reason}`]
    }),
    ...(uncounted === undefined ? [] : [`${COUNTED[counted].what} are not counted: ${uncounted}`]),
  ]
}

/** Does the watch see readers, too? Only then can it stand for leases that nobody has. */
export function seesReads({ servers }: UsageFacts): boolean {
  return servers.every(({ statements }) => statements !== undefined)
}

function sources(facts: UsageFacts): string {
  return [
    'leases',
    ...(facts.writes === undefined ? [] : [COUNTED[facts.counted ?? 'writes'].seen]),
    ...(seesReads(facts) ? ['statements'] : []),
  ].join(', ')
}

function writer({ role, application, address, pid, firstSeen, lastSeen }: OldWrite, who: string): Offender {
  return known<Offender>({
    who,
    application,
    role,
    address,
    pid,
    firstSeen,
    lastSeen,
    fix: `replace it or stop it, if it still runs: select pid, client_addr, state from pg_stat_activity where usename = ${lit(role)} and application_name = ${lit(application)}`,
  })
}

function reader(one: ReturnType<typeof ranLately>[number]): Offender {
  const { server, role, certainty, calls, text, queryId, ran } = one
  const what = certainty === 'definite' ? 'a statement' : 'a statement that takes all columns'
  return {
    who: `${what} on ${server}, ${calls} calls: ${shortened(text)}`,
    role,
    firstSeen: ran.firstSeen,
    lastSeen: ran.lastSeen,
    fix:
      queryId === undefined
        ? 'let no plan choose it any more, or go on without: bellows contract --override usage --reason "<why>"'
        : `find the client by the text, there or among sessions, and change it: select pid, usename, application_name, client_addr from pg_stat_activity where query_id = ${queryId}`,
  }
}

const UNITS: readonly (readonly [string, number])[] = [
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1_000],
]

/** `90 s`, `5 min`, `2 h`: the largest unit of which there are at least two. */
export function spoken(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms >= 2 * each) ?? ['s', 1_000]
  return `${Math.floor(ms / size)} ${unit}`
}
