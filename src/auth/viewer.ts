import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { LRUCache } from 'lru-cache';
import { passcodesOf } from '../accounts/passcodes';
import type { Identity, Services, Viewer } from '../kernel/context';
import { forbidden, unauthenticated, unprocessable } from '../kernel/errors';
import { isLevel, type Level } from '../kernel/levels';
import { isPublicId } from '../kernel/public-id';
import { storedScopes, type Scopes } from '../kernel/scopes';
import { readers } from '../kernel/stored';
import { passcodeOfObject } from './holder-passcode';
import { levelOfRoles, levelOfUser, signInOf, type Claims, type Tokens } from './token';

declare module '../kernel/context' {
  interface Services {
    tokens: Tokens;
    viewers: Viewers;
  }
}

/** What a request says of who sends it; browsers that cannot set headers say it in the query. */
export interface Credentials {
  key?: string;
  account?: string;
  token?: string;
  /** The caller wants no account: `x-no-account-id`. */
  withoutAccount: boolean;
}

export function credentialsOf(request: Pick<IncomingMessage, 'headers' | 'url'>): Credentials {
  const { headers, url = '' } = request;
  const mark = url.indexOf('?');
  const query = mark < 0 ? undefined : new URLSearchParams(url.slice(mark + 1));
  const header = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  const authorization = header('authorization');
  const bearer = authorization && /^bearer\s+(.*)$/i.exec(authorization)?.[1]?.trim();
  if (authorization && !bearer) throw unauthenticated('Authorization takes a bearer token.');
  return {
    key: header('x-aether-api-key') ?? query?.get('api_key') ?? undefined,
    account: header('x-account-id'),
    token: bearer ?? query?.get('jwt') ?? undefined,
    withoutAccount: header('x-no-account-id') !== undefined,
  };
}

interface KeyRow {
  pk: number;
  id: string;
  name: string | null;
  public_key: string | null;
  secret_key: string | null;
  account: number | null;
  level: string | null;
  administrative: number | null;
  /** What it is limited to, where it is. */
  scopes?: Scopes;
  origins?: readonly string[];
  rate: number | null;
  enable: number | null;
  enable_from: string | null;
  enable_to: string | null;
}

interface UserRow {
  pk: number;
  id: string;
  account: number;
  person: number | null;
  enable: number | null;
  enable_from: string | null;
  enable_to: string | null;
  super: number | null;
  manager: number | null;
  administrator: number | null;
  trusted: number | null;
  token_version: number | null;
  password_hash: string | null;
}

export interface Viewers {
  /**
   * Who is calling: the same answer for every door.
   * @throws FORBIDDEN for a missing or unusable key or account, UNAUTHENTICATED for a bad token, UNPROCESSABLE for a malformed key.
   */
  resolve(credentials: Credentials): Promise<Viewer>;
  /** Forgets what was read of keys, users and passcodes: one of them has changed. */
  forget(): void;
}

/** A changed key or user takes effect at once in every process that hears of it, and after this time in all others. */
const memoryMs = 5_000;

export function createViewers(
  services: Pick<Services, 'database' | 'log' | 'now' | 'publicIds' | 'tokens'>,
): Viewers {
  const { database, log, now, publicIds, tokens } = services;
  const keys = new LRUCache<string, { row: KeyRow | undefined }>({ max: 10_000, ttl: memoryMs });
  const users = new LRUCache<string, { row: UserRow | undefined }>({ max: 10_000, ttl: memoryMs });

  const sites = new LRUCache<string, { row: Map<Level, string> | undefined }>({ max: 10_000, ttl: memoryMs });

  /** How often all was forgotten: what was read before that may be out of date, and is not kept. */
  let age = 0;

  async function remembered<Row>(
    memory: LRUCache<string, { row: Row | undefined }>,
    name: string,
    read: () => Promise<Row | undefined>,
  ): Promise<Row | undefined> {
    const known = memory.get(name);
    if (known) return known.row;
    const then = age;
    const row = await read();
    if (then === age) memory.set(name, { row });
    return row;
  }

  async function readKey(value: string): Promise<KeyRow | undefined> {
    const digest = createHash('sha256').update(value).digest('hex');
    const rows = await database.select<KeyRow & Record<'scopes_json' | 'origins_json', string | null>>(
      `SELECT id AS pk, id_random AS id, name, public_key, secret_key, account_id AS account, level, scopes_json, origins_json,
        rate_per_minute AS rate, administrative, enable, enable_from, enable_to FROM api_key WHERE public_key = ? OR secret_key IN (?, ?)`,
      [value, value, digest],
    );
    // The database may compare without regard to case; a key is compared to the letter.
    const row = rows.find(
      ({ public_key, secret_key }) => public_key === value || secret_key === value || secret_key === digest,
    );
    if (!row) return undefined;
    if (row.secret_key === value) await hashSecret(row.pk, value, digest);
    const [id = ''] = await publicIds.of('api_key', [row]);
    return { ...row, id, scopes: storedScopes(row.scopes_json), origins: originsOf(row.origins_json) };
  }

  /** Old keys keep their secret as it is until they are used. */
  async function hashSecret(pk: number, secret: string, digest: string): Promise<void> {
    await database
      .transaction((tx) =>
        database.select(
          'UPDATE api_key SET secret_key = ? WHERE id = ? AND secret_key = ?',
          [digest, pk, secret],
          tx,
        ),
      )
      .catch((error: unknown) => {
        log.warn({ err: error, key: pk }, 'the secret of an old key could not be hashed');
      });
  }

  async function keyOf(value: string | undefined): Promise<KeyRow> {
    if (value === undefined) throw forbidden('An API key is needed: send the header x-aether-api-key.');
    if (value.length < 11 || value.length > 22) throw unprocessable('An API key has 11 to 22 characters.');
    const row = await remembered(keys, value, () => readKey(value));
    if (!row) throw forbidden('This API key is not known.');
    if (!row.enable) throw forbidden('This API key is disabled.');
    checkWindow(row, 'This API key');
    return row;
  }

  function checkWindow(
    { enable_from, enable_to }: Pick<KeyRow, 'enable_from' | 'enable_to'>,
    what: string,
  ): void {
    if (!enable_from && !enable_to) return;
    const moment = now().toISOString().replace('T', ' ');
    if (enable_from && moment < enable_from) throw forbidden(`${what} is not valid yet.`);
    if (enable_to && moment > enable_to) throw forbidden(`${what} has expired.`);
  }

  async function identity(type: string, id: string): Promise<Identity | undefined> {
    const pk = isPublicId(id) ? await publicIds.find(type, id) : undefined;
    return pk === undefined ? undefined : { pk, id };
  }

  async function readUser(id: string): Promise<UserRow | undefined> {
    const pk = isPublicId(id) ? await publicIds.find('user', id) : undefined;
    if (pk === undefined) return undefined;
    const [row] = await database.select<Omit<UserRow, 'id'>>(
      `SELECT id AS pk, account_id AS account, person_id AS person, enable, enable_from, enable_to,
        \`super\`, manager, administrator, trusted, token_version, password_hash FROM user WHERE id = ?`,
      [pk],
    );
    return row && { ...row, id };
  }

  async function userOf(claims: Claims): Promise<UserRow | undefined> {
    if (claims.user_id == null) return undefined;
    const id = claims.user_id;
    const row = await remembered(users, id, () => readUser(id));
    if (!row?.enable) throw unauthenticated('The user of this token is no longer active.');
    checkWindow(row, 'The user of this token');
    // Tokens of the older service have no stamp.
    if (claims.stamp == null ? row.token_version : claims.stamp !== tokens.stamp(row))
      throw unauthenticated('This token has been ended: sign in again.');
    return row;
  }

  /** The object whose passcode a token came by. @throws UNAUTHENTICATED when it has another one now. */
  async function heldBy(claims: Claims): Promise<Viewer['holds']> {
    const { object } = signInOf(claims);
    if (!object) return undefined;
    const held = await passcodeOfObject(services, object);
    if (!held || claims.stamp !== tokens.stamp({ ...object, code: held.code }))
      throw unauthenticated('The passcode of this token has changed: enter the new one.');
    return { ...object, pk: held.pk };
  }

  /** @throws UNAUTHENTICATED when the passcode of a token is no longer that of its level. */
  async function checkPasscode(claims: Claims): Promise<void> {
    const { method, site } = signInOf(claims);
    // Tokens of the older service do not say at which site.
    if (method !== 'passcode' || site === null) return;
    const codes = await remembered(sites, site, () => readCodes(site));
    const level = levelOfRoles(claims);
    const code = codes?.get(level);
    if (code === undefined || claims.stamp !== tokens.stamp({ site, level, code }))
      throw unauthenticated('The passcode of this token has changed: enter the new one.');
  }

  async function readCodes(id: string): Promise<Map<Level, string> | undefined> {
    const site = await identity('site', id);
    if (!site) return undefined;
    const [row] = await database.select<{ codes: unknown }>(
      'SELECT access_code_kv_json AS codes FROM site WHERE id = ? AND enable = 1',
      [site.pk],
    );
    return row && passcodesOf(readers.json(row.codes));
  }

  async function accountOf(id: string): Promise<Identity> {
    const account = await identity('account', id);
    if (!account) throw forbidden('This account is not known.');
    return account;
  }

  return {
    async resolve({ key, account, token, withoutAccount }) {
      const row = await keyOf(key);
      const claims = token === undefined ? undefined : await tokens.verify(token);
      const user = claims && (await userOf(claims));
      if (claims && !user) await checkPasscode(claims);
      const holds = claims && (await heldBy(claims));
      const level = user ? levelOfUser(user) : claims ? levelOfRoles(claims) : keyLevel(row);
      const claimed = claims?.account_id == null ? undefined : await accountOf(claims.account_id);

      const wanted = account === undefined ? undefined : await accountOf(account);
      if (wanted && claims && wanted.pk !== claimed?.pk && level !== 'super')
        throw forbidden('The token belongs to another account.');
      // Without an account the call sees nothing of any tenant; an operation for everybody needs none.
      const named = wanted ?? claimed;
      const chosen = named ?? (withoutAccount && row.administrative ? undefined : await bound(row));
      if (chosen && row.account !== null && row.account !== chosen.pk)
        throw forbidden('This API key belongs to another account.');
      if (user && claimed?.pk !== user.account && level !== 'super')
        throw forbidden('The user of this token belongs to another account.');

      return {
        key: {
          pk: row.pk,
          id: row.id,
          name: row.name ?? row.id,
          administrative: Boolean(row.administrative),
          scopes: row.scopes,
          origins: row.origins,
          ratePerMinute: row.rate !== null && row.rate > 0 ? row.rate : undefined,
        },
        account: chosen ?? null,
        person: (claims?.person_id && (await identity('person', claims.person_id))) || null,
        user: user ? { pk: user.pk, id: user.id } : null,
        level,
        ...(holds && { holds }),
        // A key of one account is told of no other.
        ...(withoutAccount && !named && row.account === null && { withoutAccount }),
        ...(claims && {
          signIn: { method: signInOf(claims).method, time: claims.auth_time ?? claims.iat ?? 0 },
        }),
      };
    },

    forget() {
      age += 1;
      keys.clear();
      users.clear();
      sites.clear();
    },
  };

  /** A key that is bound to an account needs no header to say so. */
  async function bound({ account }: KeyRow): Promise<Identity | undefined> {
    if (account === null) return undefined;
    const id = (await publicIds.load('account', [account])).get(account);
    return id === undefined ? undefined : { pk: account, id };
  }
}

const keyLevel = ({ level }: KeyRow): Level => (isLevel(level) ? level : 'anonymous');

/** The origins that a key is limited to; what is no list of them opens to none. */
function originsOf(stored: string | null): string[] | undefined {
  const list = stored === null ? null : readers.json(stored);
  if (list === null) return undefined;
  return Array.isArray(list) ? list.map((origin) => String(origin).toLowerCase().replace(/\/$/, '')) : [];
}
