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

const rank = Object.fromEntries(levels.map((level, index) => [level, index])) as Record<Level, number>;

export const atLeast = (level: Level, needed: Level): boolean => rank[level] >= rank[needed];

export const isLevel = (value: unknown): value is Level =>
  typeof value === 'string' && Object.hasOwn(rank, value);
