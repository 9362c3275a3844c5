import { type Cells, NO_WAY_BACK, type State, TWO_VALUES } from './support.ts'

/** States of a row, and for each what is written to it and how it ends. */
export type Tables = readonly (readonly [State, Cells])[]

export const CONSISTENT: Tables = [
  [
    ['a', 'a'],
    [
      [{}, "'a' | 'a'"],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ name: null }, 'null | null'],
      [{ full_name: 'c' }, "'c' | 'c'"],
      [{ full_name: null }, 'null | null'],
      [{ name: 'b', full_name: 'b' }, "'b' | 'b'"],
      [{ name: null, full_name: null }, 'null | null'],
      [{ name: 'b', full_name: 'c' }, TWO_VALUES],
      [{ name: 'b', full_name: null }, TWO_VALUES],
      [{ name: null, full_name: 'c' }, TWO_VALUES],
      // What an ORM does that writes every column back.
      [{ name: 'a', full_name: 'a' }, "'a' | 'a'"],
      [{ name: 'b', full_name: 'a' }, "'b' | 'b'"],
      [{ name: null, full_name: 'a' }, 'null | null'],
      [{ name: 'a', full_name: 'c' }, "'c' | 'c'"],
      [{ name: 'a', full_name: null }, 'null | null'],
    ],
  ],
  [
    [null, null],
    [
      [{}, 'null | null'],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ name: '' }, "'' | ''"],
      [{ full_name: 'c' }, "'c' | 'c'"],
      [{ name: 'b', full_name: 'b' }, "'b' | 'b'"],
      [{ name: 'b', full_name: 'c' }, TWO_VALUES],
      [{ name: 'b', full_name: null }, "'b' | 'b'"],
      [{ name: null, full_name: 'c' }, "'c' | 'c'"],
      [{ name: null, full_name: null }, 'null | null'],
    ],
  ],
]

export const UNFILLED: Tables = [
  [
    ['a', null],
    [
      [{}, "'a' | 'a'"],
      [{ name: 'a' }, "'a' | 'a'"],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ name: null }, 'null | null'],
      [{ full_name: 'a' }, "'a' | 'a'"],
      [{ full_name: 'c' }, "'c' | 'c'"],
      // A NULL in place of nothing cannot be told from a row that was not touched.
      [{ full_name: null }, "'a' | 'a'"],
      [{ name: 'a', full_name: null }, "'a' | 'a'"],
      [{ name: 'b', full_name: null }, "'b' | 'b'"],
      [{ name: null, full_name: null }, 'null | null'],
      [{ name: 'a', full_name: 'a' }, "'a' | 'a'"],
      [{ name: 'a', full_name: 'c' }, "'c' | 'c'"],
      [{ name: 'b', full_name: 'b' }, "'b' | 'b'"],
      [{ name: 'b', full_name: 'a' }, TWO_VALUES],
      [{ name: 'b', full_name: 'c' }, TWO_VALUES],
      [{ name: null, full_name: 'c' }, TWO_VALUES],
    ],
  ],
]

export const DIVERGED: Tables = [
  [
    ['a', 'b'],
    [
      [{}, "'a' | 'b'"],
      [{ name: 'a', full_name: 'b' }, "'a' | 'b'"],
      [{ name: 'c' }, "'c' | 'c'"],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ name: null }, 'null | null'],
      [{ full_name: 'c' }, "'c' | 'c'"],
      [{ full_name: 'a' }, "'a' | 'a'"],
      [{ full_name: null }, 'null | null'],
      [{ name: 'c', full_name: 'c' }, "'c' | 'c'"],
      [{ name: 'c', full_name: 'd' }, TWO_VALUES],
    ],
  ],
  [
    [null, 'b'],
    [
      [{}, "null | 'b'"],
      [{ name: null, full_name: 'b' }, "null | 'b'"],
      [{ name: 'c' }, "'c' | 'c'"],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ full_name: 'c' }, "'c' | 'c'"],
      [{ full_name: null }, 'null | null'],
      [{ name: 'c', full_name: 'd' }, TWO_VALUES],
    ],
  ],
]

export const LOSSY: Tables = [
  [
    [' a ', 'a'],
    [
      [{}, "' a ' | 'a'"],
      [{ name: ' a ', full_name: 'a' }, "' a ' | 'a'"],
      [{ name: ' b ' }, "' b ' | 'b'"],
      [{ name: ' b ', full_name: 'a' }, "' b ' | 'b'"],
      [{ name: 'a ' }, "'a ' | 'a'"],
      [{ name: null }, 'null | null'],
      [{ full_name: ' b ' }, "' b ' | ' b '"],
      [{ full_name: ' a ' }, "' a ' | ' a '"],
      [{ name: ' a ', full_name: 'b' }, "'b' | 'b'"],
      [{ full_name: null }, 'null | null'],
      [{ name: ' b ', full_name: 'b' }, "' b ' | 'b'"],
      [{ name: ' b ', full_name: ' b ' }, "' b ' | ' b '"],
      [{ name: 'b', full_name: ' b ' }, TWO_VALUES],
      [{ name: ' b ', full_name: null }, TWO_VALUES],
    ],
  ],
  [
    // Written through the new column: detail that no forward mapping gives. Whoever does not touch it must not take it.
    [' a ', ' a '],
    [
      [{}, "' a ' | ' a '"],
      [{ name: ' a ', full_name: ' a ' }, "' a ' | ' a '"],
      [{ name: ' a ' }, "' a ' | ' a '"],
      [{ name: '  a' }, "'  a' | 'a'"],
      [{ name: ' b ', full_name: ' a ' }, "' b ' | 'b'"],
      [{ full_name: 'a' }, "' a ' | 'a'"],
      [{ name: ' a ', full_name: 'c' }, "'c' | 'c'"],
    ],
  ],
  [
    [' a ', null],
    [
      [{}, "' a ' | 'a'"],
      [{ name: ' a ', full_name: null }, "' a ' | 'a'"],
      [{ name: ' b ' }, "' b ' | 'b'"],
      [{ full_name: ' b ' }, "' b ' | ' b '"],
      [{ full_name: 'a' }, "' a ' | 'a'"],
      [{ name: null }, 'null | null'],
      [{ name: ' b ', full_name: 'c' }, TWO_VALUES],
    ],
  ],
]

export const TO_NULL: Tables = [
  [
    [' ', null],
    [
      [{}, "' ' | null"],
      [{ name: '' }, "'' | null"],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ full_name: 'c' }, "'c' | 'c'"],
      [{ full_name: null }, "' ' | null"],
    ],
  ],
  [
    ['a', 'a'],
    [
      [{ name: ' ' }, "' ' | null"],
      [{ full_name: null }, 'null | null'],
      [{ name: ' ', full_name: null }, "' ' | null"],
    ],
  ],
]

export const FROM_NULL: Tables = [
  [
    [null, null],
    [
      [{}, "null | 'nobody'"],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ full_name: 'c' }, "'c' | 'c'"],
      [{ full_name: 'nobody' }, "null | 'nobody'"],
    ],
  ],
  [
    [null, 'nobody'],
    [
      [{}, "null | 'nobody'"],
      [{ name: 'b' }, "'b' | 'b'"],
      [{ name: 'b', full_name: 'nobody' }, "'b' | 'b'"],
      [{ full_name: 'c' }, "'c' | 'c'"],
    ],
  ],
  [
    ['a', 'a'],
    [
      [{ name: null }, "null | 'nobody'"],
      [{ full_name: 'nobody' }, "null | 'nobody'"],
    ],
  ],
]

export const FORWARD_ONLY: Tables = [
  [
    [' a ', 'a'],
    [
      [{}, "' a ' | 'a'"],
      [{ name: ' a ', full_name: 'a' }, "' a ' | 'a'"],
      [{ name: ' b ' }, "' b ' | 'b'"],
      [{ name: ' b ', full_name: 'a' }, "' b ' | 'b'"],
      [{ name: null }, 'null | null'],
      [{ full_name: 'c' }, NO_WAY_BACK],
      [{ full_name: null }, NO_WAY_BACK],
      [{ name: ' a ', full_name: 'c' }, NO_WAY_BACK],
      [{ name: ' b ', full_name: 'b' }, "' b ' | 'b'"],
      [{ name: ' b ', full_name: ' b ' }, TWO_VALUES],
      [{ name: ' b ', full_name: null }, TWO_VALUES],
    ],
  ],
  [
    [' a ', null],
    [
      [{}, "' a ' | 'a'"],
      [{ name: ' b ' }, "' b ' | 'b'"],
      [{ full_name: 'a' }, "' a ' | 'a'"],
      [{ full_name: 'c' }, NO_WAY_BACK],
      [{ full_name: null }, "' a ' | 'a'"],
      [{ name: ' b ', full_name: 'c' }, TWO_VALUES],
    ],
  ],
]

const OUT_OF_RANGE = '22003: integer out of range'

export const NARROWING: Tables = [
  [
    ['7', null],
    [
      [{}, "'7' | '7'"],
      [{ name: '8' }, "'8' | '8'"],
      [{ name: '3000000000' }, OUT_OF_RANGE],
      [{ full_name: '8' }, NO_WAY_BACK],
    ],
  ],
  [
    ['3000000000', null],
    [
      // Also a write of another column: the row cannot be brought in step. The plan warns of it.
      [{}, OUT_OF_RANGE],
      [{ name: '3000000001' }, OUT_OF_RANGE],
      [{ name: '8' }, "'8' | '8'"],
      [{ name: null }, 'null | null'],
      [{ full_name: '8' }, OUT_OF_RANGE],
    ],
  ],
]
