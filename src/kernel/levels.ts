import { registerEnumType } from 'type-graphql';

/** What a caller may do, from least to most; each level includes those before it. */
export const levels = [
  'anonymous',
  'authenticated',
  'public',
  'trusted',
  'administrator',
  'manager',
  'super',
] as const;

export type Level = (typeof levels)[number];

/** The levels as the graph's enum. */
export const levelNames = Object.fromEntries(levels.map((level) => [level, level])) as { [L in Level]: L };
registerEnumType(levelNames, {
  name: 'Level',
  description: 'What a caller may do, from least to most; each level includes those before it.',
});

const rank = Object.fromEntries(levels.map((level, index) => [level, index])) as Record<Level, number>;

/** Does the level include the one needed? None includes `never`. */
export const atLeast = (level: Level, needed: Level | 'never'): boolean =>
  needed !== 'never' && rank[level] >= rank[needed];

export const isLevel = (value: unknown): value is Level =>
  typeof value === 'string' && Object.hasOwn(rank, value);
