/** What may change all partitions of a table at once. */
export interface Reasoned {
  /**
   * Why everybody may wait for longer than usual, where there are very many of them; or why a table may be written anew, behind which a
   * query that began before may find no row in it. Kept in the run.
   */
  readonly unsafe?: string
}
