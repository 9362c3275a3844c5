/** What a partition can have of its own, in the words in which its table is asked for it. */
export const OWN = {
  default: 'another default',
  nullable: 'a NOT NULL of its own',
  statistics: 'another statistics target',
  storage: 'another storage',
  /** Where the table has none. */
  primaryKey: 'a primary key of its own',
} as const
