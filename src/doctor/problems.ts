import type { Bindable } from '../database/database';

/** Everything that a value can be found to suffer from: what is said of it, and what to do where nothing follows by itself. */
export const problems = {
  'id-broken': ['is no public id'],
  'id-shared': ['is the public id of an older row'],
  unreadable: ['cannot be read', 'Look at the value: it is of another kind than the column should hold.'],
  'too-long': ['is longer than declared', 'Shorten it: nothing is cut off by itself.'],
  'flag-unset': ['is neither on nor off'],
  'flag-odd': ['is neither 0 nor 1'],
  missing: ['is missing, and is needed', 'Give the row its value, or remove it.'],
  dangling: ['refers to a row that is not there', 'Point it to another row, or remove the row.'],
  'type-unknown': ['names no type that the row can belong to', 'Give it the right type, or remove the row.'],
  elsewhere: [
    'refers to a row of another account',
    'Find out whose each of the two is: nobody sees them together.',
  ],
  contradiction: ['differs from what its parent says'],
  'not-unique': ['is there more than once', 'Decide which row stays; the oldest of each is not among these.'],
} as const satisfies Record<string, readonly [what: string, hint?: string]>;

export type Problem = keyof typeof problems;

/** The value that mends another one, and that other one, exactly as it was. */
export interface Repair {
  before: Bindable;
  after: Bindable;
}

/** What is wrong with one value; its repair where one follows without guessing. */
export interface Finding {
  table: string;
  pk: number;
  column: string;
  problem: Problem;
  repair?: Repair;
}
