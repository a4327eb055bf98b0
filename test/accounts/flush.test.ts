import { entityOf } from '../../src/kernel/entity';
import { useApp } from '../support/app';
import { graph } from '../support/graph';

const app = useApp({ rows: 2 });

const refusals = async (): Promise<{ detailJson: { reason: string; times?: number } }[]> =>
  (
    await app
      .administrator()
      .ask('{ list: activityLogs(filter: { action: { eq: "refused" } }) { nodes { detailJson } } }')
  ).list.nodes;

/** While `work` goes on the database takes no write: as when it is gone for a moment. */
async function withoutWrites(work: () => Promise<void>): Promise<void> {
  const { database } = app.services;
  const { transaction } = database;
  database.transaction = () => Promise.reject(new Error('The database is gone.'));
  await work();
  database.transaction = transaction;
}

test('what was noted and counted while the database was gone is written when it is back', async () => {
  const { notes, usage } = app.services;
  const stranger = app
    .nobody()
    .with({ 'x-aether-api-key': 'a-key-nobody-has', 'x-account-id': app.here.account });
  await stranger.rest('GET', '/v3/crud/event/');
  await graph.list(app.staff(), entityOf('event'), {}, 'nodes { name }');
  await withoutWrites(async () => {
    await notes.flush();
    await usage.flush();
  });
  expect(await refusals()).toEqual([]);
  await stranger.rest('GET', '/v3/crud/event/');
  await notes.flush();
  expect((await refusals()).map(({ detailJson }) => detailJson.times)).toEqual([2]);
  const { keyUsage } = await app
    .root()
    .ask('{ keyUsage(keyId: "TestKey-trusted") { uses { type verb fields calls } } }');
  expect(keyUsage.uses).toEqual([{ type: 'event', verb: 'READ', fields: ['name'], calls: 1 }]);
});

test('who is refused again and again under other names fills no more than one line', async () => {
  const before = (await refusals()).length;
  for (let n = 0; n < 30; n += 1)
    await app
      .nobody()
      .with({ 'x-account-id': app.here.account, 'user-agent': `program ${n}` })
      .rest('GET', '/v3/crud/event/');
  await app.services.notes.flush();
  expect(await refusals()).toHaveLength(before + 1);
});
