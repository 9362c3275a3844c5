import { type Cells, MAPPINGS, NO_WAY_BACK, type Shape, TWO_VALUES } from './support.ts'

/** A sequence of its own that no given value comes near. */
const NUMBERED: Omit<Shape, 'mapping'> = {
  type: 'bigint',
  default: [`nextval('numbers')`, 'volatile'],
  shown: (column) => `case when ${column} >= 1000 then 'next' else ${column}::text end`,
}

export const DATED: Omit<Shape, 'mapping'> = {
  type: 'timestamptz',
  default: ['now()', 'stable'],
  shown: (column) =>
    `case when ${column} > now() - interval '1 hour' then 'now' else ${column}::date::text end`,
}

/** Through a mapping without loss, where no default stands in for the old column. */
const LOSSLESS: Cells = [
  [{}, 'null | null'],
  [{ name: 'a' }, "'a' | 'a'"],
  [{ name: '' }, "'' | ''"],
  [{ name: null }, 'null | null'],
  [{ full_name: 'b' }, "'b' | 'b'"],
  [{ full_name: null }, 'null | null'],
  [{ name: 'a', full_name: 'a' }, "'a' | 'a'"],
  [{ name: null, full_name: null }, 'null | null'],
  [{ name: 'a', full_name: null }, "'a' | 'a'"],
  [{ name: null, full_name: 'b' }, "'b' | 'b'"],
  [{ name: 'a', full_name: 'b' }, TWO_VALUES],
  [{ name: 'a', full_name: 'A' }, TWO_VALUES],
  [{ name: 'a', full_name: '' }, TWO_VALUES],
]

/** A constant or stable default 'd': a value that equals it counts as left out. */
const WITH_DEFAULT: Cells = [
  [{}, "'d' | 'd'"],
  [{ name: 'a' }, "'a' | 'a'"],
  [{ name: null }, 'null | null'],
  [{ full_name: 'b' }, "'b' | 'b'"],
  // The hazard that the plan names: this NULL cannot be told from a column that was left out.
  [{ full_name: null }, "'d' | 'd'"],
  [{ full_name: 'd' }, "'d' | 'd'"],
  [{ name: 'd', full_name: 'b' }, "'b' | 'b'"],
  [{ name: 'd', full_name: 'd' }, "'d' | 'd'"],
  [{ name: 'd', full_name: null }, "'d' | 'd'"],
  [{ name: 'a', full_name: 'a' }, "'a' | 'a'"],
  [{ name: 'a', full_name: 'b' }, TWO_VALUES],
  [{ name: 'a', full_name: 'd' }, TWO_VALUES],
  [{ name: 'a', full_name: null }, "'a' | 'a'"],
  [{ name: null, full_name: 'b' }, "'b' | 'b'"],
  [{ name: null, full_name: null }, 'null | null'],
]

export const INSERTS: readonly (readonly [string, Shape, Cells])[] = [
  [
    'fills the side that was not given, and refuses two that differ',
    { mapping: MAPPINGS.lossless },
    LOSSLESS,
  ],
  ['does the same in a partitioned table', { mapping: MAPPINGS.lossless, partitioned: true }, LOSSLESS],
  [
    'takes a constant default for a column that was left out',
    { mapping: MAPPINGS.lossless, default: [`'d'`, 'stable'] },
    WITH_DEFAULT,
  ],
  [
    'takes the value that a stable default has for a column that was left out',
    { mapping: MAPPINGS.lossless, default: [`lower('D')`, 'stable'] },
    WITH_DEFAULT,
  ],
  [
    'takes the moment of the statement for a column that was left out',
    { ...DATED, mapping: MAPPINGS.lossless },
    [
      [{}, 'now | now'],
      [{ name: '2001-01-01' }, '2001-01-01 | 2001-01-01'],
      [{ full_name: '2002-02-02' }, '2002-02-02 | 2002-02-02'],
      [{ full_name: null }, 'now | now'],
      [{ name: null }, 'null | null'],
      [{ name: null, full_name: '2002-02-02' }, '2002-02-02 | 2002-02-02'],
      [{ name: '2001-01-01', full_name: '2001-01-01' }, '2001-01-01 | 2001-01-01'],
      [{ name: '2001-01-01', full_name: '2002-02-02' }, TWO_VALUES],
    ],
  ],
  [
    'lets the new column win over a default that differs each time',
    { ...NUMBERED, mapping: MAPPINGS.lossless },
    [
      [{}, 'next | next'],
      [{ name: '1' }, '1 | 1'],
      [{ full_name: '2' }, '2 | 2'],
      [{ full_name: null }, 'next | next'],
      [{ name: null }, 'null | null'],
      [{ name: '3', full_name: '3' }, '3 | 3'],
      [{ name: '3', full_name: '4' }, '4 | 4'],
      [{ name: null, full_name: '4' }, '4 | 4'],
      [{ name: '3', full_name: null }, '3 | 3'],
      [{ name: null, full_name: null }, 'null | null'],
    ],
  ],
  [
    'keeps detail of either side through a lossy mapping',
    { mapping: MAPPINGS.lossy },
    [
      [{}, 'null | null'],
      [{ name: ' a ' }, "' a ' | 'a'"],
      [{ full_name: ' b ' }, "' b ' | ' b '"],
      [{ name: ' a ', full_name: 'a' }, "' a ' | 'a'"],
      [{ name: ' a ', full_name: ' a ' }, "' a ' | ' a '"],
      [{ name: 'a', full_name: ' a ' }, TWO_VALUES],
      [{ name: '  ' }, "'  ' | ''"],
      [{ name: ' a ', full_name: null }, "' a ' | 'a'"],
      [{ name: null, full_name: ' b ' }, "' b ' | ' b '"],
      [{ full_name: null }, 'null | null'],
    ],
  ],
  [
    'knows a default through a lossy mapping',
    { mapping: MAPPINGS.lossy, default: [`' d '`, 'stable'] },
    [
      [{}, "' d ' | 'd'"],
      [{ full_name: ' b ' }, "' b ' | ' b '"],
      [{ full_name: 'd' }, "' d ' | 'd'"],
      [{ full_name: ' d ' }, "' d ' | ' d '"],
      [{ full_name: null }, "' d ' | 'd'"],
      [{ name: 'd', full_name: ' b ' }, TWO_VALUES],
    ],
  ],
  [
    'leaves NULL where the mapping makes NULL of a value',
    { mapping: MAPPINGS.emptyToNull },
    [
      [{ name: ' ' }, "' ' | null"],
      [{ name: ' ', full_name: null }, "' ' | null"],
      [{ name: 'a', full_name: null }, "'a' | 'a'"],
      [{ full_name: '' }, "'' | ''"],
      [{ full_name: null }, 'null | null'],
      [{ name: ' ', full_name: 'b' }, TWO_VALUES],
    ],
  ],
  [
    'fills where the mapping makes a value of NULL',
    { mapping: MAPPINGS.nullToNobody },
    [
      [{}, "null | 'nobody'"],
      [{ name: null, full_name: null }, "null | 'nobody'"],
      [{ full_name: 'nobody' }, "null | 'nobody'"],
      [{ name: 'a' }, "'a' | 'a'"],
      [{ full_name: 'b' }, "'b' | 'b'"],
      [{ name: 'a', full_name: 'nobody' }, TWO_VALUES],
    ],
  ],
  [
    'refuses a value that has no way back',
    { mapping: MAPPINGS.forwardOnly },
    [
      [{}, 'null | null'],
      [{ name: ' a ' }, "' a ' | 'a'"],
      [{ full_name: 'b' }, NO_WAY_BACK],
      [{ full_name: null }, 'null | null'],
      [{ name: ' a ', full_name: 'a' }, "' a ' | 'a'"],
      [{ name: ' a ', full_name: ' a ' }, TWO_VALUES],
      [{ name: ' a ', full_name: 'b' }, TWO_VALUES],
      [{ name: ' a ', full_name: null }, "' a ' | 'a'"],
      [{ name: null, full_name: 'b' }, NO_WAY_BACK],
    ],
  ],
  [
    'refuses it in place of a default, too, unless it is what the default maps to',
    { mapping: MAPPINGS.forwardUpper, default: [`'d'`, 'stable'] },
    [
      [{}, "'d' | 'D'"],
      [{ name: 'a' }, "'a' | 'A'"],
      [{ full_name: 'D' }, "'d' | 'D'"],
      [{ full_name: 'B' }, NO_WAY_BACK],
      [{ full_name: null }, "'d' | 'D'"],
      [{ name: 'a', full_name: 'A' }, "'a' | 'A'"],
      [{ name: 'a', full_name: 'B' }, TWO_VALUES],
    ],
  ],
  [
    'refuses it in place of a default that differs each time',
    { ...NUMBERED, mapping: MAPPINGS.narrowing, toType: 'integer' },
    [
      [{}, 'next | next'],
      [{ name: '1' }, '1 | 1'],
      [{ full_name: '2' }, NO_WAY_BACK],
      [{ name: '3', full_name: '3' }, '3 | 3'],
      [{ name: '3', full_name: '4' }, NO_WAY_BACK],
      [{ full_name: null }, 'next | next'],
    ],
  ],
  [
    'fails where an old value does not fit into the new type',
    { mapping: MAPPINGS.narrowing, type: 'bigint', toType: 'integer' },
    [
      [{ name: '7' }, "'7' | '7'"],
      [{ name: '3000000000' }, '22003: integer out of range'],
      [{ name: '3000000000', full_name: '7' }, '22003: integer out of range'],
      [{ name: '7', full_name: '7' }, "'7' | '7'"],
      [{ full_name: '7' }, NO_WAY_BACK],
    ],
  ],
]
