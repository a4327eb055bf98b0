import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/database/open';

const main = join(__dirname, '../../dist/src/main.js');
const folder = mkdtempSync(join(tmpdir(), 'aether-process-'));
const running: ChildProcess[] = [];

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** The built server as a process of its own; or another program of ours. */
function start(env: Record<string, string>, program = [main]) {
  const child = spawn(process.execPath, program, {
    env: { PATH: process.env.PATH, DATA_DIR: folder, PORT: '0', ...env },
  });
  running.push(child);
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { child, ended, output: () => output };
}

async function until<T>(what: () => T | undefined): Promise<T> {
  for (;;) {
    const found = what();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test('is built before it is tested', () => {
  expect(existsSync(main)).toBe(true);
});

test('production says at once all that is wrong, and does not start', async () => {
  const { ended, output } = start({
    NODE_ENV: 'production',
    DEMO_DATA: 'true',
    AE_API_JWT_KEY: 'short',
    TRUST_PROXY: 'true',
  });
  expect(await ended).toBe(1);
  for (const problem of ['DATABASE_URL', 'DEMO_DATA', 'AE_API_JWT_KEY', 'TRUST_PROXY'])
    expect(output()).toContain(problem);
  expect(output()).not.toContain('listening');
});

test('without the file that it is to take switches from it does not start', async () => {
  const { ended, output } = start({ LEGACY_SWITCHES_FILE: join(folder, 'nowhere.json') });
  expect(await ended).toBe(1);
  expect(output()).toContain('LEGACY_SWITCHES_FILE: ENOENT');
  expect(output()).not.toContain('listening');
});

test('says where it is, answers the calls that it prints, and ends well: what it has begun it finishes', async () => {
  // Far from UTC: no time may depend on where the server stands.
  const { child, ended, output } = start({ TZ: 'America/New_York' });
  const port = Number(await until(() => /"port":(\d+)/.exec(output())?.[1]));
  const url = `http://localhost:${port}`;
  await until(() => (output().includes(`${url}/v3/crud/event/DemoEvent-01`) ? true : undefined));
  const headers = { 'x-aether-api-key': 'demo-trusted-key', 'x-account-id': 'DemoAcct-001' };
  const graphql = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ event(id: "DemoEvent-01") { id sessions { totalCount } } }' }),
  });
  expect(await graphql.json()).toMatchObject({
    data: { event: { id: 'DemoEvent-01', sessions: { totalCount: 20 } } },
  });
  const rest = await fetch(`${url}/v3/crud/event/DemoEvent-01`, { headers });
  expect(await rest.json()).toMatchObject({ data: { event_id: 'DemoEvent-01' }, meta: { success: true } });

  const moment = '2026-05-07T12:00:00.000Z';
  const moved = await fetch(`${url}/v3/crud/event/DemoEvent-01`, {
    method: 'PATCH',
    headers: { ...headers, 'x-aether-api-key': 'demo-admin-key01', 'content-type': 'application/json' },
    body: JSON.stringify({ start_datetime: moment }),
  });
  const { data: record } = (await moved.json()) as { data: { start_datetime: string; updated_on: string } };
  expect(record.start_datetime).toBe(moment);
  expect(Math.abs(Date.parse(record.updated_on) - Date.now())).toBeLessThan(60_000);

  // A call whose body is still on its way when the signal comes.
  const body = JSON.stringify({ name: 'Begun before the end' });
  const answered = new Promise<number | undefined>((resolve, reject) => {
    const slow = request(
      `${url}/v3/crud/event/DemoEvent-01/event_location/`,
      {
        method: 'POST',
        headers: { ...headers, 'content-type': 'application/json', 'content-length': body.length },
      },
      (response) => {
        response.resume();
        resolve(response.statusCode);
      },
    );
    slow.once('error', reject);
    slow.write(body.slice(0, 5));
    setTimeout(() => child.kill('SIGTERM'), 200);
    void until(() => (output().includes('stopping') ? true : undefined)).then(() => slow.end(body.slice(5)));
  });
  expect(await answered).toBe(200);
  await expect(fetch(`${url}/health`)).rejects.toThrow();
  expect(await ended).toBe(0);
  expect(output()).toContain('"msg":"stopped"');
});

describe('the command that rebuilds search texts', () => {
  const run = async (...args: string[]) => {
    const { ended, output } = start({}, [join(__dirname, '../../dist/src/search-rebuild.js'), ...args]);
    return { code: await ended, text: output() };
  };
  /** In the database that the server before has filled with its demo. */
  const spoil = async () => {
    const database = await openDatabase({ dataDir: folder, poolMax: 1 });
    await database.transaction((tx) =>
      database.select("UPDATE event_session SET default_qry_str = 'Old' WHERE id <= 7", [], tx),
    );
    await database.close();
  };

  test('finds nothing to do where servers have written', async () => {
    expect(await run('--check')).toMatchObject({
      code: 0,
      text: expect.stringMatching(/: 0 are out of date\n$/),
    });
  });

  test('tells what is out of date, and brings it up to date', async () => {
    await spoil();
    expect(await run('--check')).toMatchObject({
      code: 1,
      text: expect.stringMatching(/: 7 are out of date\n$/),
    });
    expect(await run('--check', '--type', 'event_badge')).toMatchObject({ code: 0 });
    const { code, text } = await run('--type', 'event_session', '--type', 'event');
    expect(code).toBe(0);
    expect(text).toMatch(/event_session: 22 read, 7 out of date\n/);
    expect(text).toMatch(/25 search texts in \d+\.\d s: 7 were out of date, and are not any more\n$/);
    expect(await run('--check')).toMatchObject({ code: 0 });
  });

  test('names what it does not know', async () => {
    const { code, text } = await run('--type', 'hosted_file_link');
    expect(code).toBe(1);
    expect(text).toContain('No type "hosted_file_link" is searched.');
  });
});
