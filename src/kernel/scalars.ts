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

/** A day that is in the calendar, but for leap years, and a time of it. */
const moment =
  /^(?!0000)\d{4}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31|02-29)(?: (?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,6})?)?$/;

/**
 * `2026-01-31 09:00:00.000` -> `2026-01-31T09:00:00.000Z`, a date is its midnight; undefined for what is no moment, such as
 * `0000-00-00 00:00:00` or a 30th of February.
 */
export function isoFromDatabase(value: unknown): string | undefined {
  if (typeof value !== 'string' || !moment.test(value)) return undefined;
  if (value.startsWith('02-29', 5) && !isLeap(Number(value.slice(0, 4)))) return undefined;
  if (value.length === 10) return `${value}T00:00:00.000Z`;
  const fraction = value.length === 19 ? '.000' : value.slice(19, 23).padEnd(4, '0');
  return `${value.slice(0, 10)}T${value.slice(11, 19)}${fraction}Z`;
}

const isLeap = (year: number): boolean => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;

/** The text that the database keeps for a moment. */
export const databaseFromDate = (date: Date): string => date.toISOString().slice(0, 23).replace('T', ' ');
