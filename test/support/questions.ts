import fc from 'fast-check';
import type { Attribute } from '../../src/kernel/attributes';
import type { Entity } from '../../src/kernel/entity';
import { isComparable, operatorsOf, type Operator } from '../../src/kernel/input-types';
import type { Values } from './factory';
import { orderField } from './graph';
import type { World } from './reference';

/** Questions that properties ask are the same in each run, unless TEST_SEED says otherwise. */
export const seed = Number(process.env.TEST_SEED ?? 20260101);

export const comparable = ({ attributes }: Entity): Attribute[] =>
  [...attributes.values()].filter(isComparable);

/** Parts of texts: among them what means something in a pattern, in SQL or in JSON. */
const parts = [
  'open',
  'OPEN',
  '%',
  '_',
  '!',
  '\\',
  '100%',
  'e_c',
  "O'B",
  '"',
  ';',
  '--',
  '日',
  'lung',
  'k\\s',
  '',
  'ing',
  'x%y_z!',
];
const patterns = [
  '%ing',
  'Open%',
  '%e\\_c%',
  '_ow!',
  '100\\%%',
  '%\\\\%',
  '%',
  '',
  'opening',
  '%heart_&_lung',
  "%'%",
  'a < _',
];
/** In both databases' orders each of these stands apart from what the fixture holds. */
const bounds = ['m', 'B', 'Opening', 'z', 'coffee BREAK'];

/** Operands that are worth comparing an attribute with: what is there, what is nearly there, and what is not. */
export function operandsOf(
  { table }: Entity,
  attribute: Attribute,
  operator: Operator,
  world: World,
): unknown[] {
  const held = [
    ...new Set(world[table]!.map((object) => object[attribute.name]).filter((value) => value !== null)),
  ];
  const some = held.slice(0, 3);
  if (operator === 'isNull' || operator === 'isNotNull') return [true, false];
  if (operator === 'like') return patterns;
  if (operator === 'contains' || operator === 'startsWith' || operator === 'endsWith') return parts;
  const values = ((): unknown[] => {
    switch (attribute.kind) {
      case 'id':
      case 'ref':
      case 'anyId':
        return [...some, 'not-there-000'];
      case 'int':
        return [...some, 0, -5];
      case 'bigint':
        return [...some, 0, 2 ** 40];
      case 'float':
      case 'decimal':
        return [...some, 0, 0.25];
      case 'bool':
        return [true, false];
      case 'datetime':
        return [...some, '2026-06-15T12:00:00.000Z', '1999-01-01T00:00:00.000Z'];
      case 'hash':
        return [...some, 'f'.repeat(64)];
      case 'anyType':
        return [...some, 'event_session'];
      default: {
        // Orders of other signs differ between databases.
        const ordering = operator === 'gt' || operator === 'gte' || operator === 'lt' || operator === 'lte';
        if (attribute.exact) return [...some, 'KEY-', 'zz'];
        if (ordering) return bounds;
        return [...some, ...some.map(shouted), ...some.map((text) => `${String(text)}x`), ''];
      }
    }
  })();
  if (operator === 'in' || operator === 'notIn') return [[], values, values.slice(0, 1), values.slice(-2)];
  return operator === 'eq' || operator === 'ne' ? [...values, null] : values;
}

/** Case is ignored where the alphabet is ASCII; beyond it the databases differ. */
const shouted = (text: unknown): string => String(text).replace(/[a-z]/g, (letter) => letter.toUpperCase());

/** Filters with every operator of every attribute that can be compared. */
export const filtersOf = (entity: Entity, world: World): Values[] =>
  comparable(entity).flatMap((attribute, i) =>
    operatorsOf(attribute).flatMap((operator, k) =>
      operandsOf(entity, attribute, operator, world)
        // Of many operands each attribute gets some; all of a kind get all.
        .filter((_, j, all) => all.length <= 4 || (i + j + k) % 4 === 0)
        .map((operand, j) => {
          const filter = { [attribute.name]: { [operator]: operand } };
          return (i + j + k) % 3 === 0 ? { not: filter } : filter;
        }),
    ),
  );

/** One comparison of an attribute. */
export interface Comparison {
  attribute: Attribute;
  operator: Operator;
  operand: unknown;
}

/** A question: comparisons in groups. */
export type Question = Comparison | { and: Question[]; or: Question[]; not?: Question };

const isComparison = (question: Question): question is Comparison => 'attribute' in question;

export function questionsOf(entity: Entity, world: World): fc.Arbitrary<Question> {
  const comparison: fc.Arbitrary<Question> = fc
    .constantFrom(...comparable(entity))
    .chain((attribute) =>
      fc
        .constantFrom(...operatorsOf(attribute))
        .chain((operator) =>
          fc
            .constantFrom(...operandsOf(entity, attribute, operator, world))
            .map((operand): Question => ({ attribute, operator, operand })),
        ),
    );
  return fc.letrec<{ question: Question }>((tie) => ({
    question: fc.oneof(
      { maxDepth: 3, withCrossShrink: true },
      comparison,
      fc.record(
        {
          and: fc.array(tie('question'), { maxLength: 3 }),
          or: fc.array(tie('question'), { maxLength: 3 }),
          not: tie('question'),
        },
        { requiredKeys: ['and', 'or'] },
      ),
    ),
  })).question;
}

/** The question as a filter of the graph. */
export function filterOf(question: Question): Values {
  if (isComparison(question)) return { [question.attribute.name]: { [question.operator]: question.operand } };
  const { and, or, not } = question;
  return { and: and.map(filterOf), or: or.map(filterOf), ...(not && { not: filterOf(not) }) };
}

const restOperators: Partial<Record<Operator, string>> = {
  notIn: 'not_in',
  isNull: 'is_null',
  isNotNull: 'is_not_null',
  startsWith: 'startswith',
  endsWith: 'endswith',
};

/** The same question as a body of a REST search. */
export function searchOf(question: Question): Values {
  if (!isComparison(question)) {
    const { and, or, not } = question;
    return { and: and.map(searchOf), or: or.map(searchOf), ...(not && { not: searchOf(not) }) };
  }
  const { attribute, operator, operand } = question;
  const field = attribute.kind === 'id' ? 'id' : attribute.column;
  return { field, op: restOperators[operator] ?? operator, value: operand };
}

export interface OrderStep {
  attribute: Attribute;
  direction: 'ASC' | 'DESC';
}

export const ordersOf = (entity: Entity, maxLength = 4): fc.Arbitrary<OrderStep[]> =>
  fc.uniqueArray(
    fc.record({
      attribute: fc.constantFrom(...comparable(entity)),
      direction: fc.constantFrom('ASC' as const, 'DESC' as const),
    }),
    { maxLength, selector: ({ attribute }) => attribute.name },
  );

export const orderBy = (steps: OrderStep[]) =>
  steps.length === 0
    ? undefined
    : steps.map(({ attribute, direction }) => ({ field: orderField(attribute), direction }));

export const orderByLi = (steps: OrderStep[]): string =>
  JSON.stringify(
    Object.fromEntries(
      steps.map(({ attribute, direction }) => [attribute.kind === 'id' ? 'id' : attribute.column, direction]),
    ),
  );
