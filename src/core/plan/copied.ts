/** A thing that hangs on a column, and its twin on the new one. */
export interface Copy<T> {
  readonly original: T
  /** Its name while the original is still there, and its name afterwards. */
  readonly copyName: string
  readonly finalName: string
}

export interface Renamed {
  readonly from: string
  readonly to: string
  /** What the new column is called in the end, if that is another name. */
  readonly finalName?: string
}
