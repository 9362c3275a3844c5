/** As many rows in the way as a person looks at. */
export const ROWS_SHOWN = 10
/** So much of a long value is shown. */
export const VALUE_CHARACTERS = 100
