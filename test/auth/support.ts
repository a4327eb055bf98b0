import { randomInt } from 'node:crypto';
import { entityOf } from '../../src/kernel/entity';
import type { TestApp } from '../support/app';
import type { Caller } from '../support/callers';
import { nextNumber, seedMore } from '../support/fixture';
import type { Values } from '../support/factory';

/** Lets `x-forwarded-for` say where a caller is, as a proxy in front of the server would. */
export const behindProxy = { env: { TRUST_PROXY: 'loopback' } };

/** Wrong tries are counted in a Redis that files of tests share: each begins where no other has been. */
let last = randomInt(2 ** 24);
for (let i = last >> 4; i > 0; i -= 1) nextNumber();

/** The same caller from an address where nobody has been before. */
export function elsewhere(caller: Caller, address?: string): Caller {
  last += 1;
  return caller.with({ 'x-forwarded-for': address ?? `10.${last >> 16}.${(last >> 8) & 255}.${last & 255}` });
}

/** A user who may sign in, with these values. */
export async function makeUser(app: TestApp, values: Values = {}): Promise<{ id: string; username: string }> {
  last += 1;
  const username = `user ${last}`;
  const [made] = await seedMore(app.services, entityOf('user'), app.here, [
    {
      username,
      email: `user-${last}@example.org`,
      super: false,
      manager: false,
      administrator: false,
      trusted: false,
      allowAuthKey: true,
      enable: true,
      hide: false,
      enableFrom: null,
      enableTo: null,
      ...values,
    },
  ]);
  return { id: made!.id, username: String(made!.values.username) };
}

export const signInText = `mutation ($username: String, $password: String, $userId: ID, $authKey: String) {
  signIn(username: $username, password: $password, userId: $userId, authKey: $authKey) {
    jwt expiresOn level user { id username person { id } account { id } } } }`;

/** What a token says. */
export const claimsOf = (jwt: string): any =>
  JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString());
