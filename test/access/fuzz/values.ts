import fc, { type Arbitrary } from 'fast-check';

/** The ids that a request may name, by the type of their objects; `''` is all of them. */
export type Ids = Record<string, string[]>;

/** What has hurt servers before. */
const hostile = [
  ...[
    '',
    ' ',
    '\0',
    'a\0b',
    '\n',
    '\r\n',
    '\t',
    '\ud800',
    '\udfff',
    '\ufeff',
    '\u202e',
    '\u0301',
    'İ',
    'ß',
    'ﬃ',
    '😀',
    '日本語',
  ],
  ...[
    '%',
    '_',
    '\\',
    "'",
    '"',
    '`',
    ';',
    '--',
    '/*',
    "' OR 1=1 --",
    '"; DROP TABLE event; --',
    '#{7*7}',
    '{{7*7}}',
    '<script>',
  ],
  ...[
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    'length',
    'null',
    'undefined',
    'NaN',
    'true',
    '[]',
  ],
  ...[
    '0',
    '1',
    '-1',
    '01',
    '1abc',
    '1e400',
    '-0',
    '0x10',
    '1.5',
    '９',
    '١',
    '2147483648',
    '9007199254740993',
    '1e-400',
    '1_000',
  ],
  ...[
    '2026-02-30',
    '0000-00-00',
    '9999-12-31T23:59:59.999Z',
    '+275760-09-13T00:00:00Z',
    '-000001-01-01',
    '2026-01-01T25:61:61Z',
  ],
  ...[
    '2016-12-31T23:59:60Z',
    '2026-01-01T00:00:00+99:99',
    '1000-01-01',
    '2026-01-01',
    'now',
    '12:00',
    '2026-W01',
  ],
  ...[
    '../../etc/passwd',
    'C:\\con',
    'file:///etc/passwd',
    'http://127.0.0.1/',
    'javascript:1',
    '*',
    '?',
    '#',
    '/',
    '//',
    '.',
    '..',
  ],
  ...[
    'x'.repeat(256),
    'é'.repeat(130),
    'a '.repeat(60),
    '%'.repeat(300),
    '((((((((((a',
    '[[[[',
    '{{{{',
    '<b>'.repeat(100),
  ],
];

/** Seldom, since it costs: what is long. */
const long = [
  'x'.repeat(70_000),
  '日'.repeat(25_000),
  '<b>'.repeat(5_000),
  '&amp;'.repeat(5_000),
  'a,'.repeat(10_000),
];

export const text: Arbitrary<string> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...hostile) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 4, arbitrary: fc.string({ maxLength: 40 }) },
  {
    weight: 4,
    arbitrary: fc.constantFrom('Opening', 'a', 'member', 'conference', 'PDF', '2026-06-01T09:00:00.000Z'),
  },
);

export const number: Arbitrary<number> = fc.oneof(
  fc.integer({ min: -3, max: 120 }),
  fc.constantFrom(
    0,
    1,
    -1,
    1.5,
    2 ** 31,
    -(2 ** 31),
    2 ** 31 - 1,
    2 ** 53,
    2 ** 53 + 2,
    1e21,
    1e308,
    -1e308,
    5e-324,
    0.1,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
);

export const moment: Arbitrary<string> = fc.constantFrom(
  ...[
    '2026-06-01T09:00:00.000Z',
    '2026-06-01 09:00',
    '2026-06-01T09:00:00+14:00',
    '9999-12-31T23:59:59.999Z',
  ],
  ...[
    '0001-01-01T00:00:00Z',
    '0000-01-01T00:00:00Z',
    '+012026-01-01T00:00:00.000Z',
    '-000001-01-01T00:00:00Z',
  ],
);

/** A value of JSON of any kind. */
export const anything: Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: text },
  { weight: 3, arbitrary: number },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown>(
      null,
      true,
      false,
      [],
      {},
      [null],
      [[]],
      { $ne: null },
      { toString: 1 },
      { toString: null, valueOf: null },
      { length: 1 },
      { '': 0 },
    ),
  },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  {
    weight: 1,
    arbitrary: fc.dictionary(fc.constantFrom(...hostile), fc.constantFrom<unknown>(null, 1, 'x', {}), {
      maxKeys: 3,
    }),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }).map(nested) },
);

function nested(depth: number): unknown {
  let value: unknown = 'deep';
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { a: value };
  return value;
}

/** Mostly what is meant, else anything at all. */
export const mostly = (meant: Arbitrary<unknown>, weight = 12): Arbitrary<unknown> =>
  fc.oneof({ weight, arbitrary: meant }, { weight: 1, arbitrary: anything });

/** An id of an object of this type mostly; of another one, or of none. */
export function idOf(ids: Ids, type: string): Arbitrary<string> {
  const own = ids[type] ?? ids['']!;
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...own) },
    { weight: 2, arbitrary: fc.constantFrom(...ids['']!) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('abcdefghijk', 'corrupt-AAAAAAAAAAAAAA', 'OGQK-02-04-94', ...hostile),
    },
  );
}

/** JSON in writing, now and then broken. */
export const written = (value: Arbitrary<unknown>): Arbitrary<string> =>
  fc
    .tuple(value, fc.nat({ max: 99 }), fc.nat({ max: 0xffff }), fc.constantFrom(...long))
    .map(([each, luck, at, much]) => {
      const json = JSON.stringify(each) ?? '';
      if (luck < 88) return json;
      const place = at % (json.length + 1);
      switch (luck) {
        case 88:
          return json.replace(/"[^"]*"(?=[,}\]])/, () => JSON.stringify(much));
        case 89:
          return json.replace(/:(?:null|\d+|"[^"]*")/, ':1e400');
        case 90:
          return json.replace(/"[^"]*"(?=[,}\]])/, '"\\ud800"');
        case 91:
          return json.replace('{', '{"__proto__":{"admin":true},');
        case 92:
          return `${'['.repeat(at)}${json}${']'.repeat(at)}`;
        case 93: {
          const [open, close] = at % 2 === 0 ? ['[', ']'] : ['{"not":', '}'];
          const deep = `:${open.repeat(at % 12_000)}{}${close.repeat(at % 12_000)}`;
          return json.replace(/:(?:null|true|false|-?\d+|"[^"]*"|\{\})(?=[,}])/, () => deep);
        }
        case 94:
          return json.replace(/:(.)/, ':[$1').replace(/([,}])/, ']$1');
        case 95:
          return json.slice(0, place) + json.slice(place + 1);
        case 96:
          return json.slice(0, place);
        case 97:
          return json + json;
        default:
          return json.slice(0, place) + String.fromCharCode(at) + json.slice(place);
      }
    });
