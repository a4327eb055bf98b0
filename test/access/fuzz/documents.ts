import fc, { type Arbitrary } from 'fast-check';
import {
  getNamedType,
  getNullableType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isLeafType,
  isListType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLNamedType,
  type GraphQLSchema,
} from 'graphql';
import type { Request } from './rest';
import { encoded } from './rest';
import { anything, idOf, moment, mostly, number, text, written, type Ids } from './values';

/** A part of a document, and the variables that stand in it. */
interface Part {
  text: string;
  variables: { name: string; type: string; value: unknown }[];
}

const plain = (part: string): Part => ({ text: part, variables: [] });

const joined = (parts: readonly Part[], inside: (texts: string[]) => string): Part => ({
  text: inside(parts.map((part) => part.text)),
  variables: parts.flatMap(({ variables }) => variables),
});

/** A word that is written as it is, where others stand in quotes. */
class Word {
  constructor(readonly word: string) {}
  toJSON(): string {
    return this.word;
  }
}

/** Operations of the schema as they are meant, and then not quite. */
export function operations(schema: GraphQLSchema, ids: Ids): Arbitrary<Request> {
  const values = new Map<string, Arbitrary<unknown>>();

  function valueOf(type: GraphQLInputType, name: string, depth: number): Arbitrary<unknown> {
    const key = `${String(type)} ${name} ${depth}`;
    const known = values.get(key);
    if (known) return known;
    const made = mostly(meant(getNullableType(type), name, depth), 25);
    values.set(key, made);
    return made;
  }

  function meant(type: GraphQLInputType, name: string, depth: number): Arbitrary<unknown> {
    if (isListType(type))
      return depth > 4 ? fc.constant([]) : fc.array(valueOf(type.ofType, name, depth + 1), { maxLength: 3 });
    if (isEnumType(type)) return fc.constantFrom(...type.getValues().map((value) => new Word(value.name)));
    if (isInputObjectType(type)) {
      if (depth > 4) return fc.constant({});
      const fields = Object.values(type.getFields());
      const member = (field: (typeof fields)[number]) =>
        fc.tuple(fc.constant(field.name), valueOf(field.type, field.name, depth + 1));
      return fc
        .tuple(
          fc.tuple(...fields.filter(isRequiredInputField).map(member)),
          fc.array(fc.oneof(...fields.map(member)), { maxLength: depth === 0 ? 4 : 2 }),
        )
        .map(([needed, more]) => Object.fromEntries([...needed, ...more]));
    }
    switch (getNamedType(type).name) {
      case 'ID':
        return idOf(ids, snake(name.replace(/Ids?$/, '')));
      case 'Int':
      case 'SafeInt':
      case 'Float':
        return number;
      case 'Boolean':
        return fc.boolean();
      case 'DateTime':
        return moment;
      case 'JSON':
        return anything;
      default:
        return text;
    }
  }

  const argument = ({ name, type }: GraphQLArgument): Arbitrary<Part> =>
    fc.tuple(valueOf(type, name, 0), fc.nat({ max: 9999 })).map(([value, n]) => {
      if (n % 2 === 0) return plain(`${name}: ${literal(value)}`);
      const variable = { name: `v${n}`, type: String(type), value };
      // Null is given in spite of a default.
      if (n % 15 === 0)
        Object.assign(variable, {
          type: `${variable.type.replace(/!$/, '')} = ${literal(value)}`,
          value: null,
        });
      return { text: `${name}: $v${n}`, variables: [variable] };
    });

  const fieldsOf = (type: GraphQLNamedType): GraphQLField<unknown, unknown>[] =>
    isObjectType(type) || isInterfaceType(type) ? Object.values(type.getFields()) : [];

  const selections = new Map<string, Arbitrary<Part>>();

  function selection(type: GraphQLNamedType, depth: number): Arbitrary<Part> {
    const key = `${type.name} ${depth}`;
    const known = selections.get(key);
    if (known) return known;
    const fields = fieldsOf(type);
    const leaves = fields.filter((each) => isLeafType(getNamedType(each.type)));
    const objects = fields.filter((each) => isCompositeType(getNamedType(each.type)));
    const leaf = fc.constantFrom('__typename', ...leaves.map(({ name }) => name)).map(plain);
    const choices = [
      { weight: 5, arbitrary: leaf },
      ...(depth < 4 && objects.length > 0
        ? [{ weight: 2, arbitrary: fc.constantFrom(...objects).chain((each) => field(each, depth + 1)) }]
        : []),
      {
        weight: 1,
        arbitrary: leaf.map((part) => joined([part], ([one]) => `... on ${type.name} { ${one} }`)),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(leaf, fc.boolean())
          .map(([part, yes]) => joined([part], ([one]) => `${one} @include(if: ${yes})`)),
      },
      {
        weight: 1,
        arbitrary: fc
          .tuple(leaf, fc.constantFrom('a', '__proto__', 'constructor', 'toString'))
          .map(([part, alias]) => joined([part], ([one]) => `${alias}: ${one}`)),
      },
    ];
    const made = fc
      .array(fc.oneof(...choices), { minLength: 1, maxLength: 4 })
      .map((parts) => joined(parts, (texts) => texts.join(' ')));
    selections.set(key, made);
    return made;
  }

  const known = new Map<GraphQLField<unknown, unknown>, Arbitrary<Part>>();

  function field(of: GraphQLField<unknown, unknown>, depth: number): Arbitrary<Part> {
    const found = known.get(of);
    if (found) return found;
    const { name, args, type } = of;
    const named = getNamedType(type);
    const may = args.filter((each) => !isRequiredArgument(each)).map(argument);
    const made = fc
      .tuple(
        fc.tuple(...args.filter(isRequiredArgument).map(argument)),
        may.length > 0 ? fc.array(fc.oneof(...may), { maxLength: 3 }) : fc.constant([]),
        isCompositeType(named) ? selection(named, depth) : fc.constant(undefined),
      )
      .map(([needed, more, inside]) => {
        const unique = [
          ...new Map([...needed, ...more].map((part) => [part.text.split(':')[0], part])).values(),
        ];
        const given = joined(unique, (texts) => (texts.length > 0 ? `(${texts.join(', ')})` : ''));
        return joined(
          inside ? [given, inside] : [given],
          ([list, body]) => `${name}${list}${body === undefined ? '' : ` { ${body} }`}`,
        );
      });
    known.set(of, made);
    return made;
  }

  const rootOf = (kind: 'query' | 'mutation') => {
    const type = kind === 'query' ? schema.getQueryType()! : schema.getMutationType()!;
    const roots = fc.constantFrom(...fieldsOf(type)).chain((each) => field(each, 0));
    return fc.array(roots, { minLength: 1, maxLength: 2 }).map((parts) => {
      const variables = [
        ...new Map(parts.flatMap((part) => part.variables).map((each) => [each.name, each])).values(),
      ];
      const head =
        variables.length > 0
          ? ` (${variables.map(({ name, type: of }) => `$${name}: ${of}`).join(', ')})`
          : '';
      return {
        query: `${kind}${head} { ${parts.map((part, index) => (index > 0 ? `a${index}: ${part.text}` : part.text)).join(' ')} }`,
        variables: Object.fromEntries(variables.map(({ name, value }) => [name, value])),
      };
    });
  };

  const operation = fc.oneof(
    { weight: 9, arbitrary: rootOf('query') },
    { weight: 6, arbitrary: rootOf('mutation') },
    { weight: 1, arbitrary: fc.constantFrom(...strange).map((query) => ({ query, variables: {} })) },
  );
  const brokenDocument = fc
    .tuple(operation, fc.nat({ max: 99 }), fc.nat({ max: 0xffff }), fc.constantFrom(...tokens))
    .map(([{ query, variables }, luck, at, token]) => ({
      query: luck < 70 ? query : broken(query, luck, at, token),
      variables,
    }));
  const withMore = fc
    .tuple(brokenDocument, fc.nat({ max: 99 }), anything)
    .map(([request, luck, strangeValue]): object => {
      if (luck < 90) return request;
      const member = ['variables', 'operationName', 'extensions', 'query', 'id'][luck % 5]!;
      return { ...request, [member]: strangeValue };
    });
  return fc.tuple(written(withMore), withMore, fc.nat({ max: 99 })).map(([body, request, luck]): Request => {
    if (luck > 6)
      return {
        method: 'POST',
        path: luck > 12 ? '/graphql' : '/graphql/?',
        headers: [
          [
            'content-type',
            luck > 15 ? 'application/json' : 'application/graphql-response+json; charset=utf-8',
          ],
        ],
        body,
      };
    const asked = Object.entries(request as Record<string, unknown>).map(
      ([name, value]) =>
        `${encoded(name)}=${encoded(typeof value === 'string' ? value : (JSON.stringify(value) ?? ''))}`,
    );
    return {
      method: luck > 3 ? 'GET' : 'HEAD',
      path: `/graphql?${asked.join('&').slice(0, 7000)}`,
      headers: [['apollo-require-preflight', '1']],
    };
  });
}

const snake = (name: string): string => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

/** A value as it stands in a document. */
function literal(value: unknown): string {
  if (value instanceof Word) return value.word;
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (value !== null && typeof value === 'object')
    return `{${Object.entries(value)
      .map(([name, inner]) => `${/^[_a-z]\w*$/i.test(name) ? name : 'a'}: ${literal(inner)}`)
      .join(', ')}}`;
  return JSON.stringify(value) ?? 'null';
}

const tokens = [
  '{',
  '}',
  '(',
  ')',
  '[',
  ']',
  ':',
  '!',
  '$',
  '=',
  '@',
  '...',
  '&',
  '|',
  '"',
  '"""',
  '#',
  ',',
  '\0',
  '\ufeff',
  ' on ',
  ' fragment ',
  ' null ',
  '@skip(if: true)',
  '@include(if: $no)',
  '@deprecated',
  '-',
  '1e999',
  '$x',
  'query',
  'subscription',
  '__typename',
  '\\u{110000}',
  '😀',
];

function broken(query: string, luck: number, at: number, token: string): string {
  const place = at % (query.length + 1);
  if (luck < 78) return query.slice(0, place) + token + query.slice(place);
  if (luck < 84) return query.slice(0, place) + query.slice(place + (at % 7) + 1);
  if (luck < 88) return query.slice(0, place);
  if (luck < 92)
    return query.replace(
      /\{ (.*) \}$/s,
      `{ ${'...a '.repeat(at % 40)}$1 } fragment a on Query { ...b ...b } fragment b on Query { ${at % 2 === 0 ? '...c' : 'viewer { level }'} }`,
    );
  if (luck < 95) return query.replace('{', `{ ${'viewer { level } '.repeat(at % 120)}`);
  if (luck < 97)
    return query.replace(/\{([^{}]*)\}/, (_, inside: string) => `{${inside.repeat((at % 60) + 2)}}`);
  return `${query} ${query}`;
}

const doubling = (steps: number, last: string): string =>
  `query { ...f0 } ${[...Array(steps).keys()].map((n) => `fragment f${n} on Query { ...f${n + 1} ...f${n + 1} }`).join(' ')} ${last}`;

const around = (n: number, open: string, inside: string, close: string): string =>
  open.repeat(n) + inside + close.repeat(n);

/** Documents that are a burden, each in its way. */
const strange = [
  '',
  '{',
  '{}',
  'query',
  '#',
  '"""',
  '{ __schema { types { fields { type { fields { type { name } } } } } } }',
  '{ __type(name: "__proto__") { name } }',
  'subscription { changes { id } }',
  'type Query { a: Int }',
  'extend type Query { a: Int } { viewer { level } }',
  'query a { viewer { level } } query a { viewer { level } }',
  'query ($a: Nothing, $a: Int, $b: EventFilter!) { viewer { level } }',
  'query ($__proto__: Int) { viewer @include(if: $__proto__) { level } }',
  'query ($x: ID = "abcdefghijk") { event(id: $x) { id } }',
  doubling(300, ''),
  doubling(300, 'fragment f300 on Query { ...f0 }'),
  doubling(100, 'fragment f100 on Query { viewer { level } }'),
  `{ ${'viewer { level } '.repeat(900)} }`,
  `{ events { nodes { ${'id '.repeat(3000)} } } }`,
  `{ events { nodes { ${[...Array(400).keys()].map((n) => `a${n}: id`).join(' ')} } } }`,
  `{ viewer { level ${'@include(if: true) '.repeat(400)} } }`,
  `{ events(filter: ${around(900, '{ not: ', '{}', ' }')}) { nodes { id } } }`,
  `{ events(filter: { and: ${around(1500, '[', '', ']')} }) { nodes { id } } }`,
  around(1200, '{ a ', '', '}'),
  around(300, '{ event(id: "abcdefghijk") ', '{ id }', '}'),
  `{ nodes(ids: [${'"abcdefghijk" '.repeat(1500)}], type: event) { id } }`,
  `query (${[...Array(500).keys()].map((n) => `$v${n}: Int`).join(' ')}) { viewer { level } }`,
  `{ ${[...Array(40).keys()].map((n) => `a${n}: events(first: 1000) { nodes { sessions(first: 1000) { nodes { files(first: 1000) { nodes { id } } } } } }`).join(' ')} }`,
  `{ events { nodes { id } } }${' '.repeat(50_000)}`,
  `{ events(q: "${'a '.repeat(5000)}") { nodes { id } } }`,
  `{ events(filter: { name: { like: "${'%a_'.repeat(3000)}" } }) { nodes { id } } }`,
  `{ event(id: "${'x'.repeat(100_000)}") { id } }`,
  `{ a: events(first: -1) { nodes { id } } b: events(first: 1, last: 1) { nodes { id } } c: events(after: "x") { nodes { id } } }`,
];
