import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { Viewer } from '../../src/kernel/context';
import { legacyRoutes, nameOf } from '../../src/legacy/routes';
import { openSwitches } from '../../src/legacy/switches';
import { useApp } from '../support/app';
import type { RestAnswer } from '../support/callers';
import { pathOf } from '../support/legacy';

const folder = mkdtempSync(join(tmpdir(), 'aether-switches-'));
const file = join(folder, 'switches.json');
/** As an editor does: the new file takes the place of the old. */
function save(content: unknown): void {
  if (content === undefined) {
    rmSync(file);
    return;
  }
  writeFileSync(`${file}.new`, typeof content === 'string' ? content : JSON.stringify(content));
  renameSync(`${file}.new`, file);
}
save({ switches: [] });

const app = useApp({ rows: 2, logLevel: 'info', env: { LEGACY_SWITCHES_FILE: file } });
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ids = () => ({ type: 'event', id: app.here.rows.event![0]!.id });
const call = (route: (typeof legacyRoutes)[number], caller = app.manager()) =>
  caller.rest(route.method, pathOf(route, ids()), route.method.startsWith('P') ? {} : undefined);
const isOff = ({ status, body }: RestAnswer) =>
  status === 410 && (body.code ?? body.meta?.details.code) === 'LEGACY_BROWNOUT';

/** The file is looked at each second; whatever it is saved as is told of in the log. */
async function switchTo(content: unknown): Promise<string> {
  const before = app.lines.length;
  save(content);
  for (;;) {
    const line = app.lines.slice(before).find((each) => each.includes('the switches of old routes'));
    if (line) return line;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The names of the routes that are off for a caller. */
async function off(caller = app.manager()): Promise<string[]> {
  const answers = await Promise.all(
    legacyRoutes.map(async (route) => (isOff(await call(route, caller)) ? [nameOf(route)] : [])),
  );
  return answers.flat();
}

const namesOf = (...generations: string[]) =>
  legacyRoutes.filter(({ generation, gone }) => generations.includes(generation) && !gone).map(nameOf);

test('a generation, a route, a key is switched off, and on again, without a restart', async () => {
  expect(await off()).toEqual([]);
  await switchTo({ switches: [{ generation: 'v1', off: 'always' }] });
  expect(await off()).toEqual(namesOf('v1'));
  expect((await app.staff().rest('GET', '/v3/crud/event/')).status).toBe(200);

  await switchTo({
    switches: [
      { route: 'GET /v2/crud/{type}/list', off: 'always' },
      { generation: 'v3', off: 'always' },
    ],
  });
  expect(await off()).toEqual(['GET /v2/crud/{type}/list', ...namesOf('v3')]);

  for (const key of ['test trusted', 'TestKey-trusted']) {
    await switchTo({ switches: [{ key, off: 'always' }] });
    expect(await off(app.staff())).toEqual(namesOf('v1', 'v2', 'v3'));
    expect(await off(app.manager())).toEqual([]);
  }

  // With several conditions all of them hold.
  await switchTo({
    switches: [{ key: 'test trusted', generation: 'v2', route: 'GET /v2/crud/{type}/list', off: 'always' }],
  });
  expect(await off(app.staff())).toEqual(['GET /v2/crud/{type}/list']);
  await switchTo({ switches: [{ generation: 'v1', route: 'GET /v2/crud/{type}/list', off: 'always' }] });
  expect(await off(app.staff())).toEqual([]);
  await switchTo({ switches: [] });
  expect(await off(app.staff())).toEqual([]);
});

test('what is switched off tells what replaces it, changes nothing, and is told of', async () => {
  await switchTo({
    switches: [
      { generation: 'v1', off: 'always' },
      { generation: 'v2', off: 'always' },
    ],
  });
  const { id } = ids();
  const before = await app.rowOf('event', id);
  for (const [method, path, replacement, operation] of [
    ['GET', '/v2/crud/event/list', 'GET /v3/crud/event/', 'query events'],
    ['DELETE', `/event/${id}?method=delete`, `DELETE /v3/crud/event/${id}`, 'mutation removeEvent'],
    ['PATCH', `/api/event/${id}`, `PATCH /v3/crud/event/${id}`, 'mutation updateEvent'],
  ] as const) {
    const answer = await app.root().rest(method, path, method === 'PATCH' ? { name: 'changed' } : undefined);
    expect(answer).toMatchObject({
      status: 410,
      body: {
        data: false,
        meta: {
          success: false,
          status_code: 410,
          details: {
            code: 'LEGACY_BROWNOUT',
            message: expect.stringContaining(replacement),
            replacement,
            operation,
          },
        },
      },
    });
    expect(answer.headers.get('link')).toContain('rel="successor-version"');
  }
  expect(await app.rowOf('event', id)).toEqual(before);
  const action = await app.root().rest('GET', '/user/authenticate?username=a&password=b');
  expect(action).toMatchObject({
    status: 410,
    body: {
      detail: expect.stringContaining('POST /v3/action/user/authenticate'),
      code: 'LEGACY_BROWNOUT',
      replacement: 'POST /v3/action/user/authenticate',
      operation: 'mutation signIn',
    },
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  const lines = app.lines.filter(
    (line) => line.includes('DEPRECATED ROUTE') && line.includes('"status":410'),
  );
  expect(lines.some((line) => line.includes('GET /user/authenticate'))).toBe(true);
  // Who may not call at all is told that first.
  expect((await app.nobody().rest('GET', '/v2/crud/event/list')).status).toBe(403);
  await switchTo({ switches: [] });
});

test('a file that is broken, or gone, is told of, and the switches before it stay', async () => {
  await switchTo({ switches: [{ generation: 'v3', off: 'always' }] });
  const stays = async (line: string) => {
    expect(JSON.parse(line)).toMatchObject({ level: 50, path: file, problem: expect.stringMatching(/./) });
    app.logged.length = 0;
    expect(await off()).toEqual(namesOf('v3'));
  };
  await stays(await switchTo('{"switches":['));
  await stays(await switchTo({ switches: [{ generation: 'v4', off: 'always' }] }));
  await stays(await switchTo(undefined));
  // Another one in its place is read, as an editor leaves it.
  await switchTo({ switches: [] });
  expect(await off()).toEqual([]);
});

describe('the file', () => {
  const own = join(folder, 'own.json');
  let time = new Date('2026-11-30T12:00:00Z');
  const open = (content: unknown) => {
    writeFileSync(own, typeof content === 'string' ? content : JSON.stringify(content));
    return openSwitches(own, { log: pino({ level: 'silent' }), now: () => time });
  };
  const route = legacyRoutes.find((each) => nameOf(each) === 'GET /v2/crud/{type}/list')!;
  const viewer = { key: { pk: 1, id: 'TestKey-0001', name: 'kiosk', administrative: false } } as Viewer;

  test('switches off in windows, from their first moment until before their last', () => {
    const switches = open({
      switches: [
        {
          generation: 'v2',
          off: [
            { from: '2026-12-01T10:00:00Z', to: '2026-12-01T10:15:00Z' },
            { from: '2026-12-02T12:00:00+02:00', to: '2026-12-02T11:00:00Z' },
          ],
        },
      ],
    });
    for (const [at, until] of [
      ['2026-12-01T09:59:59.999Z', undefined],
      ['2026-12-01T10:00:00.000Z', '2026-12-01T10:15:00.000Z'],
      ['2026-12-01T10:14:59.999Z', '2026-12-01T10:15:00.000Z'],
      ['2026-12-01T10:15:00.000Z', undefined],
      ['2026-12-02T10:30:00.000Z', '2026-12-02T11:00:00.000Z'],
    ]) {
      time = new Date(at!);
      expect({ at, until: switches.off(route, viewer)?.until?.toISOString() }).toEqual({ at, until });
    }
    switches.close();
  });

  test('may switch off for good what another rule switches off for a while', () => {
    const window = { from: '2026-01-01T00:00:00Z', to: '2026-01-02T00:00:00Z' };
    const switches = open({
      switches: [
        { key: 'kiosk', off: [window] },
        { generation: 'v2', off: 'always' },
      ],
    });
    expect(switches.off(route, viewer)).toEqual({});
    switches.close();
  });

  test('may be the one in the README', () => {
    const [, example] = /```json\n(\{\s+"switches"[^`]+)```/.exec(
      readFileSync(join(__dirname, '../../README.md'), 'utf8'),
    )!;
    const switches = open(example);
    expect(switches.off({ ...route, generation: 'v1', path: '/user/authenticate' }, viewer)).toEqual({});
    switches.close();
  });

  test.each([
    ['{"switches":[', 'JSON'],
    ['', 'JSON'],
    [[], 'expected object'],
    [{}, 'switches'],
    [{ switches: [{ off: 'always' }] }, 'needs a route, a generation or a key'],
    [{ switches: [{ generation: 'v4', off: 'always' }] }, 'switches.0.generation'],
    [{ switches: [{ route: 'GET /nowhere', off: 'always' }] }, 'switches.0.route'],
    [{ switches: [{ key: '', off: 'always' }] }, 'switches.0.key'],
    [{ switches: [{ generation: 'v1' }] }, 'switches.0.off'],
    [{ switches: [{ generation: 'v1', off: true }] }, 'switches.0.off'],
    [{ switches: [{ generation: 'v1', off: [] }] }, 'switches.0.off'],
    [{ switches: [{ generation: 'v1', off: [{ from: 'noon', to: 'night' }] }] }, 'switches.0.off'],
    [
      {
        switches: [{ generation: 'v1', off: [{ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }] }],
      },
      'switches.0.off',
    ],
    [{ switches: [{ generation: 'v1', off: 'always', untill: 'tomorrow' }] }, 'untill'],
  ])('is refused when it is broken: %j', (content, problem) => {
    expect(() => open(content)).toThrow(problem);
  });

  test('must be there when the server starts', () => {
    const log = pino({ level: 'silent' });
    expect(() => openSwitches(join(folder, 'none.json'), { log, now: () => time })).toThrow('none.json');
  });
});
