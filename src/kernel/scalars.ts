import { GraphQLScalarType } from 'graphql';
import { GraphQLDateTimeISO, GraphQLJSON, GraphQLSafeInt } from 'graphql-scalars';

/** Rows carry moments as ISO text already: see `isoFromDatabase`. */
export const DateTime = new GraphQLScalarType({
  ...GraphQLDateTimeISO.toConfig(),
  name: 'DateTime',
  description: 'A moment in UTC: ISO 8601 with milliseconds and `Z`, `2026-01-31T09:00:00.000Z`.',
  serialize: (value) => (typeof value === 'string' ? value : GraphQLDateTimeISO.serialize(value)),
});

export const JsonValue = new GraphQLScalarType({
  ...GraphQLJSON.toConfig(),
  name: 'JSON',
  description: 'Any JSON value.',
  specifiedByURL: null,
});

export const SafeInt = new GraphQLScalarType({
  ...GraphQLSafeInt.toConfig(),
  name: 'SafeInt',
  description: 'A whole number that a double holds exactly: up to 2^53.',
  specifiedByURL: null,
});

/** `2026-01-31 09:00:00.000` -> `2026-01-31T09:00:00.000Z`; undefined for what is no date, such as `2026-00-00 00:00:00`. */
export function isoFromDatabase(value: string): string | undefined {
  if (value.startsWith('0000') || value.includes('-00')) return undefined;
  const fraction = value.length === 19 ? '.000' : value.slice(19, 23);
  return `${value.slice(0, 10)}T${value.slice(11, 19)}${fraction}Z`;
}

/** The text that the database keeps for a moment. */
export const databaseFromDate = (date: Date): string => date.toISOString().slice(0, 23).replace('T', ' ');
