import { hash } from '@node-rs/argon2';
import { openDatabase } from '../../src/database/open';
import { createTableSql } from '../../src/database/table-sql';
import { tablesOf } from '../../src/kernel/registry';
import { useApp } from '../support/app';
import { target } from '../support/jest-target';
import { behindProxy, elsewhere, makeUser, signInText } from './support';

/* The table of users is another program's, which has no column for tokens that were ended. */

const app = useApp({
  rows: 1,
  ...behindProxy,
  through: async (place) => {
    const user = tablesOf().find(({ name }) => name === 'user')!;
    // Without foreign keys: what they refer to is not there yet.
    const columns = Object.fromEntries(
      Object.entries(user.columns)
        .filter(([name]) => name !== 'token_version')
        .map(([name, column]) => [name, { ...column, references: undefined }]),
    );
    const database = await openDatabase({ url: place.databaseUrl, dataDir: place.dataDir, poolMax: 2 });
    for (const sql of createTableSql({ ...user, columns }, target === 'mariadb' ? 'mariadb' : 'sqlite'))
      await database.sequelize.query(sql);
    await database.close();
    return place;
  },
});

const passwords = ['correct horse', 'battery staple'] as const;

test('a user signs in, and a new password ends the tokens of the old one all the same', async () => {
  const user = await makeUser(app, { passwordHash: await hash(passwords[0]) });
  const signIn = async (password: string) =>
    elsewhere(app.guest()).with({
      authorization: `Bearer ${(await elsewhere(app.guest()).ask(signInText, { username: user.username, password })).signIn.jwt}`,
    });
  const path = `/v3/crud/user/${user.id}`;
  const caller = await signIn(passwords[0]);
  expect((await caller.rest('GET', path)).status).toBe(200);
  const body = { password: passwords[1], current_password: passwords[0] };
  expect((await caller.rest('POST', `/v3/action/user/${user.id}/change_password`, body)).status).toBe(200);
  expect((await caller.rest('GET', path)).status).toBe(401);
  const again = await signIn(passwords[1]);
  expect((await again.rest('GET', path)).status).toBe(200);
  const { code, data } = await again.graphql('mutation { signOutEverywhere }');
  expect([code, data]).toEqual(['DATABASE_SCHEMA', null]);
  expect((await again.rest('GET', path)).status).toBe(200);
});
