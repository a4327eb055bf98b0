import type { Logger } from 'pino';
import type { Database } from '../database/database';
import type { Cursors } from './cursor';
import type { Level } from './levels';
import type { PublicIds } from './public-id';
import type { Touched } from './unit-of-work';
import { Warnings } from './warnings';

/** A row that the caller is, belongs to, or came with: its internal and its public id. */
export interface Identity {
  pk: number;
  id: string;
}

/** Who is calling: resolved once per request, for every door. */
export interface Viewer {
  key: Identity & { name: string; administrative: boolean };
  account: Identity | null;
  person: Identity | null;
  user: Identity | null;
  level: Level;
  /** Of a caller with a token: how they signed in, and when, in seconds since 1970. */
  signIn?: { method: string | null; time: number };
}

/** What the kernel needs of the outside; modules add theirs by declaration merging. */
export interface Services {
  database: Database;
  publicIds: PublicIds;
  cursors: Cursors;
  log: Logger;
  /** Tables whose search text MariaDB has an index for. */
  indexedWords: ReadonlySet<string>;
  /** The time of day; tests set it. */
  now: () => Date;
  /** Told after each write has been committed, of every row that it changed. */
  changed: (changes: readonly Touched[]) => void;
  /** Told of each value that was met and is not what was declared, by type and column. */
  corrupt: (type: string, column: string) => void;
}

/** One request: who calls, with what, and the loaders that live as long as it does. */
export class Context {
  private readonly made = new Map<string, unknown>();

  constructor(
    readonly viewer: Viewer,
    readonly services: Services,
    readonly requestId: string,
    readonly warnings = new Warnings(),
    /** Network address of the caller; no header of their own moves it. */
    readonly address = '',
  ) {}

  /** The log, with the id of this request on every line. */
  get log(): Logger {
    return this.once('log', () => this.services.log.child({ requestId: this.requestId }));
  }

  /** What is made once per request and name: loaders. The name holds everything that changes the answer. */
  once<T>(name: string, make: () => T): T {
    const known = this.made.get(name) as T | undefined;
    if (known !== undefined) return known;
    const value = make();
    this.made.set(name, value);
    return value;
  }

  /** The same call seen from another account: for operations that find the account themselves. */
  inAccount(account: Identity | null): Context {
    return this.seenBy({ ...this.viewer, account });
  }

  /** The same call as if another made it: for what the server does itself. */
  seenBy(viewer: Viewer): Context {
    return new Context(viewer, this.services, this.requestId, this.warnings, this.address);
  }

  /** From here on the call is that of who has signed in by it; what was read for who it was before is forgotten. */
  become(viewer: Viewer): void {
    (this as { viewer: Viewer }).viewer = viewer;
    this.made.clear();
  }
}
