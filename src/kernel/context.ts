import type { Logger } from 'pino';
import type { Database } from '../database/database';
import type { Entry, Notes } from './activity';
import type { Cursors } from './cursor';
import type { Level } from './levels';
import type { PublicIds } from './public-id';
import type { Receipt } from './receipts';
import type { Scopes } from './scopes';
import type { Touched } from './unit-of-work';
import type { Usage } from './usage';
import { Warnings } from './warnings';

/** A row that the caller is, belongs to, or came with: its internal and its public id. */
export interface Identity {
  pk: number;
  id: string;
}

/** Who is calling: resolved once per request, for every door. */
export interface Viewer {
  key: Identity & {
    name: string;
    administrative: boolean;
    /** None: the key reaches all that the level does. */
    scopes?: Scopes;
    /** Requests that it may send in a minute, where it has a rate of its own. */
    ratePerMinute?: number;
    /** Origins of the pages that may use it, where they are limited. */
    origins?: readonly string[];
  };
  account: Identity | null;
  person: Identity | null;
  user: Identity | null;
  level: Level;
  /** The one object that a passcode of its own has opened: the caller counts as its owner, and as nobody else. */
  holds?: Identity & { type: string };
  /** The caller says that it has no account, and is answered so. */
  withoutAccount?: true;
  /** Of a caller with a token: how they signed in, and when, in seconds since 1970. Otherwise the level is that of the key. */
  signIn?: { method: string | null; time: number };
  /** The server does this itself, at the caller's wish: the level is not theirs. */
  isServer?: true;
}

/** Where a call came from. */
export interface Origin {
  /** Network address; no header of the caller's own moves it. */
  address?: string;
  /** How the program named itself: its user agent, and what Apollo's clients have headers for. */
  agent?: string;
  program?: string;
  programVersion?: string;
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
  /** What is no write, for the activity log. */
  notes: Notes;
  /** What keys are used for. */
  usage: Usage;
  /** Told after each write has been committed, of every row that it changed. */
  changed: (changes: readonly Touched[]) => void;
  /** Told of each value that was met and is not what was declared, by type and column. */
  corrupt: (type: string, column: string) => void;
}

/** One request: who calls, with what, and the loaders that live as long as it does. */
export class Context {
  private readonly made = new Map<string, unknown>();
  private readonly loaders = new Map<string, unknown>();
  /** What the transaction of this request leaves behind, when it is to be done once. */
  receipt?: Receipt;

  constructor(
    readonly viewer: Viewer,
    readonly services: Services,
    readonly requestId: string,
    readonly from: Origin = {},
    readonly warnings = new Warnings(),
  ) {}

  /** The log, with the id of this request on every line. */
  get log(): Logger {
    return this.once('log', () => this.services.log.child({ requestId: this.requestId }));
  }

  /** Notes for the activity log what the caller did, or was refused; nothing where that was in no account. */
  note(action: 'crossed' | 'refused' | 'signed_in', what: Partial<Entry> = {}): void {
    const { viewer, from } = this;
    const account = what.account ?? viewer.account?.pk;
    if (account !== undefined) this.services.notes.add({ ...what, account, action, viewer, from });
  }

  /** Notes that the caller was refused: an error may pass several doors on its way out. */
  refused(reason: string): void {
    this.once(`refused ${reason}`, () => {
      this.note('refused', { detail: { reason } });
      return true;
    });
  }

  /** What is made once per request and name. The name holds everything that changes the answer. */
  once<T>(name: string, make: () => T): T {
    return madeOnce(this.made, name, make);
  }

  /** The same for what keeps the rows that it has read. */
  loader<T>(name: string, make: () => T): T {
    return madeOnce(this.loaders, name, make);
  }

  /** Lets go of the rows that were read: between the pages of an answer that may be of any length. */
  forgetRows(): void {
    this.loaders.clear();
  }

  /** The same call in an account that the operation finds itself: unless it is the caller's own, they are a guest there. */
  inAccount(account: Identity): Context {
    const { viewer } = this;
    if (viewer.account?.pk === account.pk) return this;
    return this.seenBy({ ...viewer, account, level: 'anonymous', person: null, user: null });
  }

  /** The same call as if another made it: for what the server does itself. */
  seenBy(viewer: Viewer): Context {
    return new Context(viewer, this.services, this.requestId, this.from, this.warnings);
  }

  /** From here on the call is that of who has signed in by it; what was read for who it was before is forgotten. */
  become(viewer: Viewer): void {
    (this as { viewer: Viewer }).viewer = viewer;
    this.made.clear();
    this.loaders.clear();
  }
}

function madeOnce<T>(made: Map<string, unknown>, name: string, make: () => T): T {
  const known = made.get(name) as T | undefined;
  if (known !== undefined) return known;
  const value = make();
  made.set(name, value);
  return value;
}
