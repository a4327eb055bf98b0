import type { Attribute } from '../../src/kernel/attributes';
import { allEntities, entityOf, type Entity } from '../../src/kernel/entity';
import { toManys, toOnes, targetsOf } from '../../src/kernel/registry';
import type { TestApp } from './app';
import type { Values } from './factory';
import { graph } from './graph';

/** Every object of the account, as the graph answers it to who may see everything. */
export type World = Record<string, Values[]>;

export async function readWorld(app: TestApp): Promise<World> {
  const lists = allEntities().map(async (entity) => {
    const { data } = await graph.list(app.root(), entity, { first: 1000 });
    return [entity.table, data.list.nodes as Values[]] as const;
  });
  return Object.fromEntries(await Promise.all(lists));
}

/** Asks the graph each filter, and compares what it finds with what a plain reading finds. */
export async function expectAsReference(
  app: TestApp,
  world: World,
  entity: Entity,
  filters: Values[],
): Promise<void> {
  const found = await ask(app, entity, filters);
  const different = filters.flatMap((filter, i) => {
    const expected = matching(world, entity, filter).sort();
    return JSON.stringify(expected) === JSON.stringify(found[i])
      ? []
      : [{ filter, found: found[i], expected }];
  });
  expect(different).toEqual([]);
}

/** Asks many filters of one type at once; answers the ids that each finds. */
async function ask(app: TestApp, { name, plural }: Entity, filters: Values[]): Promise<string[][]> {
  const found: string[][] = [];
  for (let start = 0; start < filters.length; start += 90) {
    const some = filters.slice(start, start + 90);
    const variables = Object.fromEntries(some.map((filter, i) => [`f${String(i)}`, filter]));
    const data = await app.root().ask(
      `query (${some.map((_, i) => `$f${String(i)}: ${name}Filter`).join()}) {
        ${some.map((_, i) => `f${String(i)}: ${plural}(first: 1000, enabled: ALL, hidden: ALL, filter: $f${String(i)}) { nodes { id } }`).join('\n')} }`,
      variables,
    );
    for (const [i] of some.entries())
      found.push(data[`f${String(i)}`].nodes.map(({ id }: Values) => id).sort());
  }
  return found;
}

/** Unknown (null) is what a comparison with a missing value gives. */
type Truth = boolean | null;

const not = (truth: Truth): Truth => (truth === null ? null : !truth);
const and = (truths: Truth[]): Truth =>
  truths.includes(false) ? false : truths.includes(null) ? null : true;
const or = (truths: Truth[]): Truth => (truths.includes(true) ? true : truths.includes(null) ? null : false);

/** Ids of the objects of a type for which a filter of the graph holds, by plain reading of what its operators say. */
export const matching = (world: World, entity: Entity, filter: Values): string[] =>
  world[entity.table]!.filter((object) => holds(world, entity, object, filter) === true).map(({ id }) =>
    String(id),
  );

function holds(world: World, entity: Entity, object: Values, filter: Values): Truth {
  return and(
    Object.entries(filter).map(([key, value]) => {
      if (key === 'and') return and((value as Values[]).map((each) => holds(world, entity, object, each)));
      if (key === 'or')
        return (
          (value as Values[]).length === 0 ||
          or((value as Values[]).map((each) => holds(world, entity, object, each)))
        );
      if (key === 'not') return not(holds(world, entity, object, value as Values));
      const attribute = entity.attributes.get(key);
      if (attribute)
        return and(
          Object.entries(value as Values).map(([operator, operand]) =>
            compared(attribute, object[key], operator, operand),
          ),
        );
      const one = toOnes(entity).find(({ field }) => field === key);
      if (one) {
        const [target] = targetsOf(one.attribute);
        const related = world[target!.table]!.find(({ id }) => id === object[one.attribute.name]);
        return related !== undefined && holds(world, target!, related, value as Values) === true;
      }
      return listHolds(world, entity, object, key, value as Values);
    }),
  );
}

function listHolds(world: World, entity: Entity, object: Values, field: string, quantified: Values): Truth {
  const { child, attribute } = toManys(entity).find((many) => many.field === field)!;
  const children = world[child.table]!.filter(
    (each) =>
      each[attribute.name] === object.id &&
      (!attribute.any || each[attribute.any.typeAttribute] === entity.table),
  );
  const hold = (filter: unknown) =>
    children.map((each) => holds(world, entityOf(child.table), each, filter as Values) === true);
  return and(
    Object.entries(quantified).map(([quantifier, filter]) => {
      if (quantifier === 'some') return hold(filter).includes(true);
      if (quantifier === 'none') return !hold(filter).includes(true);
      return !hold(filter).includes(false);
    }),
  );
}

function compared(attribute: Attribute, value: unknown, operator: string, operand: unknown): Truth {
  if (operator === 'isNull') return (value === null) === (operand !== false);
  if (operator === 'isNotNull') return (value !== null) === (operand !== false);
  if (operand === null) return operator === 'eq' ? value === null : value !== null;
  if (operator === 'in') {
    const list = operand as unknown[];
    return list.length === 0 ? false : or(list.map((each) => compared(attribute, value, 'eq', each)));
  }
  if (operator === 'notIn')
    return (operand as unknown[]).length === 0 || not(compared(attribute, value, 'in', operand));
  if (value === null) return null;
  const text = attribute.kind === 'json' ? JSON.stringify(value) : value;
  const [a, b] = [folded(attribute, text), folded(attribute, operand)];
  switch (operator) {
    case 'eq':
      return a === b;
    case 'ne':
      return a !== b;
    case 'gt':
      return a > b;
    case 'gte':
      return a >= b;
    case 'lt':
      return a < b;
    case 'lte':
      return a <= b;
    case 'contains':
      return lower(text).includes(lower(operand));
    case 'startsWith':
      return lower(text).startsWith(lower(operand));
    case 'endsWith':
      return lower(text).endsWith(lower(operand));
    case 'like':
      return patternOf(String(operand)).test(lower(text));
    default:
      throw new Error(`There is no operator ${operator}`);
  }
}

const lower = (value: unknown): string => String(value).toLowerCase();

/** Text is compared without regard to case; ids and digests to the letter, numbers and moments by size. */
function folded({ kind, exact }: Attribute, value: unknown): any {
  if (kind === 'bool') return Number(value);
  if (kind === 'datetime') return Date.parse(String(value));
  if (exact) return value;
  return kind === 'string' || kind === 'text' || kind === 'longtext' || kind === 'anyType'
    ? lower(value)
    : value;
}

/** `%` is any text, `_` one character, `\` takes the next as it is. */
function patternOf(pattern: string): RegExp {
  const source = lower(pattern).replace(/\\(.)|[\s\S]/g, (part, escaped: string | undefined) => {
    if (escaped !== undefined) return quoted(escaped);
    if (part === '%') return '[\\s\\S]*';
    return part === '_' ? '[\\s\\S]' : quoted(part);
  });
  return new RegExp(`^${source}$`, 'u');
}

const quoted = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
