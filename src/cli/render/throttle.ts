/** What was asked of a run, in words. */
export function throttleText({
  share,
  workers,
  until,
}: {
  readonly share: number
  readonly workers?: number
  readonly until?: string
}): string {
  const pace =
    share === 0
      ? 'paused'
      : share === 1
        ? 'at full speed'
        : `held to ${Math.round(share * 100)} % of the time`
  const side = workers === undefined ? '' : `, with ${workers} worker${workers === 1 ? '' : 's'}`
  return `${pace}${side}${until === undefined ? '' : `, until ${until}`}`
}
