import { SignJWT } from 'jose';
import { seed } from '../../seeders/rows';
import { databaseFromDate } from '../../src/kernel/scalars';
import { keyOf, type TestApp } from '../support/app';
import type { Refusal } from './crawl';
import { levels, type Level, type Who } from './expectations';
import { unknownId, type World } from './world';

type Tenant = 'here' | 'there';

/** Programs and people who are let in. */
export async function callersOf(app: TestApp, world: World) {
  const key = (level: Level, tenant: Tenant = 'here'): Who => ({
    name: `a key of ${level} ${tenant}`,
    level,
    tenant,
    headers: app.as(level, app[tenant].account).headers,
  });
  const nowhere: Who = {
    name: 'a key of manager without account',
    level: 'manager',
    headers: app.as('manager', null).headers,
  };
  /** The nth person of an account, whose user has this level. */
  const person = async (row: number, level: Level, tenant: Tenant = 'here'): Promise<Who> => {
    const [id, user] = [world.idOf(tenant, 'person', row), world.idOf(tenant, 'user', row)];
    const { headers } = await app.signedIn(level, { person: id, user, account: app[tenant].account });
    return { name: `person ${String(row)} of ${level} ${tenant}`, level, tenant, person: row, headers };
  };
  /** Who has entered the passcode of the first object of a type. */
  const holder = async (type: string, passcode: string): Promise<Who> => {
    const id = world.idOf('here', type);
    const code = String(world.valuesOf({ tenant: 'here', type, row: 0 })[passcode]);
    const { tokens } = app.services;
    const content = { auth_type: 'holder', object_type: type, object_id: id };
    const claims = { account_id: app.here.account, stamp: tokens.stamp({ type, id, code }) };
    const token = await tokens.sign({ ...claims, json_str: JSON.stringify(content) }, 3600);
    const headers = { ...key('anonymous').headers, authorization: `Bearer ${token}` };
    return { ...key('anonymous'), name: `who holds ${type} 0 here`, holds: type, headers };
  };
  return {
    /** One of each level, but super. */
    levels: levels.filter((level) => level !== 'super').map((level) => key(level)),
    guest: key('anonymous'),
    manager: key('manager'),
    super: { here: key('super'), there: key('super', 'there') },
    member: await person(0, 'authenticated'),
    staff: await person(2, 'trusted'),
    office: await person(3, 'administrator'),
    holder: await holder('event_badge', 'personPasscode'),
    exhibitor: await holder('event_exhibit', 'staffPasscode'),
    memberThere: await person(0, 'authenticated', 'there'),
    managerThere: key('manager', 'there'),
    nowhere,
    bypass: {
      ...nowhere,
      name: 'a key that wants no account',
      bypass: true,
      headers: { ...nowhere.headers, 'x-no-account-id': 'bypass' },
    } satisfies Who,
  };
}

export type Callers = Awaited<ReturnType<typeof callersOf>>;

/** Those who are not let in, and how they are told so. */
export async function strangersAt(app: TestApp, world: World): Promise<{ who: Who; due: Refusal }[]> {
  const hour = 3_600_000;
  const at = (offset: number) => databaseFromDate(new Date(Date.now() + offset));
  const keys: Record<string, Record<string, unknown>> = {
    'key-disabled': { enable: false },
    'key-expired': { enableTo: at(-hour) },
    'key-too-early': { enableFrom: at(hour) },
    'key-elsewhere': { accountId: app.there.account },
  };
  await seed(
    app.services,
    Object.entries(keys).map(([key, values]) => ({
      type: 'api_key',
      id: key,
      values: { name: key, publicKey: key, level: 'super', ...values },
    })),
  );
  const off = { username: 'switched off', enable: false, accountId: app.here.account };
  await seed(app.services, [{ type: 'user', id: 'user-switched-off', values: off }]);
  const account = { 'x-account-id': app.here.account };
  const known = { 'x-aether-api-key': keyOf('super') };
  const claims = (of: string, seconds = 3600, more = {}) =>
    app.services.tokens.sign({ account_id: of, manager: true, ...more }, seconds);
  const bearer = (token: string) => ({ ...known, authorization: `Bearer ${token}` });
  const forged = await new SignJWT({ account_id: app.here.account, super: true })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode('a key that is not that of the server'));
  const here = await claims(app.here.account);
  const ofOff = await claims(app.here.account, 3600, { user_id: 'user-switched-off' });
  const ended = await claims(app.here.account, 3600, {
    user_id: world.idOf('here', 'user'),
    stamp: 'of-before',
  });
  const strangers: [name: string, headers: Record<string, string>, due: Refusal][] = [
    ['no key', account, 'FORBIDDEN'],
    ['an unknown key', { ...account, 'x-aether-api-key': 'no-such-key-0' }, 'FORBIDDEN'],
    ['a malformed key', { ...account, 'x-aether-api-key': 'short' }, 'UNPROCESSABLE'],
    ['a disabled key', { ...account, 'x-aether-api-key': 'key-disabled' }, 'FORBIDDEN'],
    ['an expired key', { ...account, 'x-aether-api-key': 'key-expired' }, 'FORBIDDEN'],
    ['an early key', { ...account, 'x-aether-api-key': 'key-too-early' }, 'FORBIDDEN'],
    ['the key of another account', { ...account, 'x-aether-api-key': 'key-elsewhere' }, 'FORBIDDEN'],
    ['an unknown account', { ...known, 'x-account-id': unknownId }, 'FORBIDDEN'],
    ['an expired token', { ...account, ...bearer(await claims(app.here.account, -60)) }, 'UNAUTHENTICATED'],
    ['a token that was ended', { ...account, ...bearer(ended) }, 'UNAUTHENTICATED'],
    ['a token of a user who is switched off', { ...account, ...bearer(ofOff) }, 'UNAUTHENTICATED'],
    ['a forged token', { ...account, ...bearer(forged) }, 'UNAUTHENTICATED'],
    ['a malformed token', { ...account, ...bearer('no-token') }, 'UNAUTHENTICATED'],
    ['no bearer', { ...account, ...known, authorization: 'Basic c3VwZXI6c3VwZXI=' }, 'UNAUTHENTICATED'],
    ['a token of another account', { ...account, ...bearer(await claims(app.there.account)) }, 'FORBIDDEN'],
    ['a token for another account', { 'x-account-id': app.there.account, ...bearer(here) }, 'FORBIDDEN'],
  ];
  return strangers.map(([name, headers, due]) => ({ who: { name, level: 'anonymous', headers }, due }));
}
