import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { entityOf } from '../../src/kernel/entity';
import { keyOf, useApp } from '../support/app';
import { seedMore } from '../support/fixture';

const app = useApp({ rows: 2 });

/*
 * A client as the programs in use have it: key and account in headers, `data` unwrapped, 404 read as nothing, JSON sent as text,
 * whole records sent back, another try after a network failure and after nothing else.
 */
class OldClient {
  account?: string;
  tries = 0;

  constructor(
    private readonly url: string,
    private readonly key: string,
    private readonly pauses = [20, 40, 60, 80, 100],
  ) {}

  async call(method: string, path: string, body?: Record<string, unknown>): Promise<any> {
    for (const pause of [...this.pauses, undefined]) {
      this.tries += 1;
      try {
        const response = await fetch(`${this.url}${path}`, {
          method,
          headers: {
            'x-aether-api-key': this.key,
            ...(this.account === undefined
              ? { 'x-no-account-id': 'bypass' }
              : { 'x-account-id': this.account }),
            'content-type': 'application/json',
          },
          body: body && JSON.stringify(asText(body)),
          signal: AbortSignal.timeout(20_000),
        });
        if (response.status === 404) return null;
        const answer = (await response.json()) as { data: unknown; meta: { status_message: string } };
        if (!response.ok) throw new Refused(response.status, answer.meta.status_message);
        return answer.data;
      } catch (error) {
        if (error instanceof Refused || pause === undefined) throw error;
        await sleep(pause);
      }
    }
    throw new Error('unreachable');
  }

  list = (type: string, forType: string, forId: string) =>
    this.call(
      'GET',
      `/v3/crud/${type}/?for_obj_type=${forType}&for_obj_id=${forId}&enabled=all&hidden=all&limit=999999&order_by_li=${encodeURIComponent('{"priority":"DESC","sort":"ASC","name":"ASC"}')}`,
    );
}

class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Every JSON field leaves as a string. */
const asText = (body: Record<string, unknown>) =>
  Object.fromEntries(
    Object.entries(body).map(([key, value]) => [
      key,
      key.endsWith('_json') && value !== null && typeof value !== 'string' ? JSON.stringify(value) : value,
    ]),
  );

const host = 'show.example.org';
beforeAll(async () => {
  const [site] = await seedMore(app.services, entityOf('site'), app.here, [
    { enable: true, hide: false, accessKey: null, name: 'Show' },
  ]);
  await seedMore(app.services, entityOf('site_domain'), app.here, [
    { enable: true, hide: false, fqdn: host, accessKey: null, siteId: site!.id },
  ]);
});

/** The start of a program: who am I, by the name of the host. */
async function start(
  level: 'anonymous' | 'trusted' | 'administrator',
  fqdn = host,
): Promise<OldClient | undefined> {
  const client = new OldClient(app.url, keyOf(level));
  const found = await client.call('POST', '/v3/crud/site_domain/search', {
    and: [{ field: 'fqdn', op: 'eq', value: fqdn }],
  });
  if (found.length === 0) return undefined;
  client.account = found[0].account_id;
  return client;
}

test('a program starts by its host name, and shows "domain not found" for another', async () => {
  expect((await start('anonymous'))?.account).toBe(app.here.account);
  expect(await start('anonymous', 'elsewhere.example.org')).toBeUndefined();
});

test('a whole programme is written below its event, read flat, changed and sent back', async () => {
  const client = (await start('administrator'))!;
  const event = await client.call('POST', '/v3/crud/event/', {
    name: 'Congress',
    start_datetime: '2026-09-01 08:00:00',
    mod_pres_mgmt_json: { hide: { room: true }, passcode: '12345' },
    cfg_json: { theme: 'blue' },
  });
  const below = (type: string, body: Record<string, unknown>) =>
    client.call('POST', `/v3/crud/event/${event.id}/${type}/`, body);
  const location = await below('event_location', { name: 'Hall A' });
  const session = await below('event_session', {
    name: 'Opening',
    event_location_id: location.id,
    start_datetime: '2026-09-01T09:00:00Z',
  });
  const presentation = await below('event_presentation', {
    name: 'Welcome',
    event_session_id_random: session.id,
  });
  const presenter = await below('event_presenter', {
    event_presentation_id: presentation.event_presentation_id_random,
    given_name: 'Grace',
    family_name: 'Hopper',
    full_name: 'Grace Hopper',
  });
  expect(presenter).toMatchObject({
    event_id: event.id,
    event_session_id: session.id,
    event_presentation_id: presentation.id,
  });

  for (const [type, made] of Object.entries({
    event_location: location,
    event_session: session,
    event_presentation: presentation,
    event_presenter: presenter,
  })) {
    const listed = await client.list(type, 'event', event.id);
    expect(listed).toEqual([
      expect.objectContaining({ id: made.id, [`${type}_id`]: made.id, event_id: event.id }),
    ]);

    const [record] = listed;
    const sent = { ...record, tmp_sort_1: '0', tmp_sort_2: 'x', tmp_label: null, notes: 'checked' };
    const flat = await client.call('PATCH', `/v3/crud/${type}/${record.id}`, sent);
    expect({ ...flat, updated_on: '' }).toEqual({ ...record, notes: 'checked', updated_on: '' });
    const nested = await client.call('PATCH', `/v3/crud/event/${event.id}/${type}/${record.id}/`, {
      ...flat,
      notes: null,
    });
    expect({ ...nested, updated_on: '' }).toEqual({ ...record, notes: null, updated_on: '' });
  }
  const sessions = await client.call(
    'POST',
    `/v3/crud/event_session/search?for_obj_type=event&for_obj_id=${event.id as string}`,
    {
      and: [{ field: 'event_presenter_li_qry_str', op: 'match', value: 'hopper' }],
    },
  );
  expect(sessions.map(({ id }: { id: string }) => id)).toEqual([session.id]);

  const read = await client.call('GET', `/v3/crud/event/${event.id}`);
  await client.call('PATCH', `/v3/crud/event/${event.id}/`, { ...read, name: 'Congress 2026' });
  // The passcode that this program is not shown is still there.
  const whole = await app.manager().call('GET', `/v3/crud/event/${event.id}`);
  expect(whole.data).toMatchObject({
    name: 'Congress 2026',
    mod_pres_mgmt_json: { hide: { room: true }, passcode: '12345' },
    cfg_json: { theme: 'blue' },
    start_datetime: '2026-09-01T08:00:00.000Z',
  });

  await client.call('DELETE', `/v3/crud/event/${event.id}?method=delete`);
  expect(await client.call('GET', `/v3/crud/event_presenter/${presenter.id}`)).toBeNull();
  expect(await client.list('event_session', 'event', event.id)).toEqual([]);
});

test('what is refused is refused for good: one try, and a reason to show', async () => {
  const client = (await start('anonymous'))!;
  for (const [status, method, path, body] of [
    [403, 'POST', '/v3/crud/event/', { name: 'x' }],
    [422, 'GET', '/v3/crud/event/1', undefined],
    [400, 'GET', '/v3/crud/event/?limit=x', undefined],
  ] as const) {
    client.tries = 0;
    const error: unknown = await client.call(method, path, body).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Refused);
    expect((error as Refused).status).toBe(status);
    expect((error as Refused).message).not.toBe('');
    expect(client.tries).toBe(1);
  }
  expect(await client.call('GET', '/v3/crud/event/no-such-event')).toBeNull();
});

test('a network that fails now and then is not noticed', async () => {
  const flaky = await startFlaky(app.url, 3);
  try {
    const client = new OldClient(flaky.url, keyOf('trusted'));
    client.account = app.here.account;
    const people = await app.countRows('person');
    const person = await client.call('POST', '/v3/crud/person/', { given_name: 'Ann' });
    expect(person.given_name).toBe('Ann');
    expect(client.tries).toBe(4);
    expect(await app.countRows('person')).toBe(people + 1);
  } finally {
    await flaky.close();
  }
});

/** A server that hangs up a few times, and then hands on what it gets. */
async function startFlaky(
  target: string,
  failures: number,
): Promise<{ url: string; close(): Promise<void> }> {
  let left = failures;
  const server: Server = createServer((request, response) => {
    if (left > 0) {
      left -= 1;
      request.socket.resetAndDestroy();
      return;
    }
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      void (async () => {
        const answer = await fetch(`${target}${request.url ?? ''}`, {
          method: request.method,
          headers: {
            'x-aether-api-key': String(request.headers['x-aether-api-key']),
            'x-account-id': String(request.headers['x-account-id']),
            'content-type': 'application/json',
          },
          body: Buffer.concat(chunks),
        });
        response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text());
      })();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
