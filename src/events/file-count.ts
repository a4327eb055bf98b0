import { countOf } from '../kernel/attributes';

/** How many event files are so. Not everybody sees those for internal use: they are in no count. */
export const countOfFiles = (condition: (file: string, t: string) => string): ((t: string) => string) =>
  countOf('event_file', (file, t) => `${condition(file, t)} AND COALESCE(${file}.internal_use, 0) <> 1`);
