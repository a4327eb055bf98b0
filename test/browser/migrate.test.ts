import { readFile } from 'node:fs/promises';
import { hash } from '@node-rs/argon2';
import type { Page } from 'playwright-core';
import { demo, seedDemo } from '../../seeders/demo';
import { makeUser } from '../auth/support';
import { keyOf, useApp } from '../support/app';
import { Caller } from '../support/callers';
import { describeInBrowser, scrolls, useBrowser, type Visit } from './support';

describeInBrowser('the page of what is still called', () => {
  const app = useApp({ rows: 1, env: { DEMO_DATA: 'true' } });
  const visit = useBrowser(app);
  const markup = '<img src=x onerror=alert(1)>';

  const program = (key: string, client: string) =>
    new Caller(app, {
      ...{ 'x-aether-api-key': key, 'x-account-id': demo.account },
      'apollographql-client-name': client,
    });

  beforeAll(async () => {
    await seedDemo(app.services);
    const kiosk = program(demo.trustedKey, 'kiosk');
    for (let turn = 0; turn < 3; turn += 1) await kiosk.call('GET', '/v2/crud/event_session/list');
    await kiosk.call('GET', `/crud/event/${demo.event}`);
    await kiosk.rest('GET', '/crud/event/NoSuchEvent1');
    await kiosk.rest('PATCH', '/api/event_location/NoSuchRoom01', { name: 'x' });
    await program(demo.adminKey, markup).call('GET', '/event_badge/list');
    await program(demo.adminKey, markup).fetch(`/hosted_file/NoSuchFile01/download`);
  });

  const open = (viewport?: { width: number; height: number }): Promise<Visit> =>
    visit('/docs/migrate', viewport);

  /** Lets in the operator of the demo, as the page is filled in. */
  async function letIn(viewport?: { width: number; height: number }): Promise<Visit> {
    const opened = await open(viewport);
    await opened.page.click('form button.primary');
    await opened.page.waitForSelector('.tiles');
    return opened;
  }

  const programOf = (page: Page, client: string) =>
    page.locator('.program', { has: page.getByText(client, { exact: true }) });

  async function enter(page: Page, way: string, values: Record<string, string>): Promise<void> {
    await page.getByRole('radio', { name: way }).click();
    for (const [name, value] of Object.entries(values)) await page.fill(`[name="${name}"]`, value);
    await page.click('form button.primary');
  }

  test('shows each program, what it calls, how often and when last', async () => {
    const { page, problems } = await letIn();
    expect(await page.locator('.tile').allInnerTexts()).toEqual([
      '2\nprograms call what is deprecated',
      '8\ncalls in the last 30 days',
      expect.stringMatching(/^0 of \d+\ndeprecated routes and fields can go$/),
    ]);
    const kiosk = programOf(page, 'kiosk');
    expect(await kiosk.locator('header').innerText()).toContain('Demo, trusted');
    expect(await kiosk.locator('header').innerText()).toContain('6 calls, last just now');
    const rows = (await kiosk.locator('summary').allInnerTexts()).map((text) =>
      text.split(/\s*\n\s*/).join(' '),
    );
    expect(rows).toEqual([
      expect.stringMatching(/^GET ?\/v2\/crud\/event_session\/list 3 calls just now$/),
      expect.stringMatching(/^GET ?\/crud\/event\/\{id\} 2 calls 1 failed just now$/),
      expect.stringMatching(/^PATCH ?\/api\/event_location\/\{id\} 1 call 1 failed just now$/),
    ]);
    expect(await kiosk.getByText('just now').first().getAttribute('title')).toMatch(
      /^20\d\d-\d\d-\d\d \d\d:\d\d UTC$/,
    );
    expect(await page.locator('.routes tbody tr', { hasText: 'in use' }).count()).toBe(5);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('has beside each call the operation that gives the same data, to copy and to open in the IDE', async () => {
    const { page, problems } = await letIn();
    const row = programOf(page, 'kiosk').locator('.use', { hasText: '/crud/event/{id}' });
    await row.locator('summary').click();
    const [operation, variables] = await row.locator('pre').allInnerTexts();
    expect(operation).toMatch(/^query Event\(\$id: ID!\) \{\n  event\(id: \$id\) \{\n    id\n/);
    const given = JSON.parse(variables!) as { id: string };
    const { event } = await program(demo.trustedKey, 'test').ask(operation!, given);
    expect(event.id).toBe(given.id);
    await row.getByRole('button', { name: 'Copy' }).first().click();
    await row.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(operation);

    const [ide] = await Promise.all([
      page.context().waitForEvent('page'),
      row.getByText('Open in the IDE').click(),
    ]);
    await ide.click('.graphiql-execute-button');
    await ide.locator('.result-window').getByText(`"${given.id}"`).first().waitFor();
    expect(await ide.locator('.result-window').innerText()).not.toContain('errors');
    expect(ide.url()).not.toContain('Demo, ');
    for (const secret of [demo.trustedKey, demo.passcodes.manager, 'eyJ']) {
      expect(ide.url()).not.toContain(secret);
      expect(await ide.evaluate('JSON.stringify(localStorage)')).not.toContain(secret);
    }
    await ide.close();
    const change = programOf(page, 'kiosk').locator('.use', { hasText: '/api/event_location/{id}' });
    await change.locator('summary').click();
    expect((await change.locator('pre').allInnerTexts())[0]).toMatch(/^mutation UpdateEventLocation/);
    await change.getByText('\u2026 stands for what the program has to put there.').waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  test('what programs call themselves is shown as text', async () => {
    const { page, problems } = await letIn();
    await programOf(page, markup).waitFor();
    expect(await page.locator('img').count()).toBe(0);
    await programOf(page, markup).locator('.use', { hasText: 'download' }).locator('summary').click();
    await page.getByText('No operation of the graph replaces it.').waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  test.each([
    ['a desk', { width: 1280, height: 800 }],
    ['a phone', { width: 360, height: 740 }],
  ])('fits the screen of %s', async (_where, viewport) => {
    const { page, problems } = await open(viewport);
    expect((await scrolls(page))[0]).toBe(false);
    await page.click('form button.primary');
    await page.waitForSelector('.tiles');
    for (const summary of await page.locator('.use summary').all()) await summary.click();
    expect((await scrolls(page))[0]).toBe(false);
    expect(problems).toEqual([]);
    await page.close();
  });

  test('says so when nothing was called, and what can go', async () => {
    const { page } = await open();
    // Of the other account of the demo.
    const token = await app.services.tokens.sign({ account_id: demo.otherAccount, manager: true }, 600);
    await page.fill('[name="account"]', demo.otherAccount);
    await enter(page, 'Token', { token });
    await page.getByText('Nothing that is deprecated was called').waitFor();
    expect(await page.locator('.program').count()).toBe(0);
    const { database } = app.services;
    const moved = (day: string) =>
      database.transaction((tx) =>
        database.select(
          "UPDATE legacy_usage SET day = ?, last_on = ? WHERE route = ''",
          [day, `${day} 00:00:00.000`],
          tx,
        ),
      );
    await moved('2026-01-01');
    await page.getByRole('button', { name: 'Refresh' }).click();
    await page.getByText('safe to remove').first().waitFor();
    const [, free, all] = /(\d+) of (\d+)/.exec(await page.locator('.tile').last().innerText())!;
    expect(free).toBe(all);
    await moved(new Date().toISOString().slice(0, 10));
    await page.close();
  });

  test('says why somebody is not let in, and keeps nothing of it', async () => {
    const { page } = await open();
    await page.fill('[name="passcode"]', 'no such passcode');
    await page.click('form button.primary');
    await page.getByRole('alert').getByText('passcode').waitFor();
    await enter(page, 'Passcode', { passcode: demo.passcodes.trusted });
    await page.getByRole('alert').getByText('This needs level manager').waitFor();
    expect(await page.evaluate('sessionStorage.length + localStorage.length')).toBe(0);
    await enter(page, 'Password', { username: 'nobody', password: 'nothing at all' });
    await page
      .getByRole('alert')
      .getByText(/user|password/i)
      .waitFor();
    await enter(page, 'Key alone', {});
    await page.getByRole('alert').getByText('This needs level manager').waitFor();
    await page.close();
  });

  test('lets in who signs in with name and password', async () => {
    const passwordHash = await hash('a long password', { memoryCost: 1024, timeCost: 1 });
    const { username } = await makeUser(app, { passwordHash, manager: true });
    const { page, problems } = await open();
    await page.fill('[name="key"]', keyOf('anonymous'));
    await page.fill('[name="account"]', app.here.account);
    await enter(page, 'Password', { username, password: 'a long password' });
    await page.getByText('Nothing that is deprecated was called').waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  test('who has signed in is known to this tab alone, until the end of it', async () => {
    const { page, problems } = await letIn();
    expect(await page.evaluate('localStorage.length')).toBe(0);
    expect(await page.evaluate('document.cookie')).toBe('');
    expect(await page.evaluate('sessionStorage.getItem("aether-operator")')).not.toContain(
      demo.passcodes.manager,
    );
    await page.reload();
    await page.waitForSelector('.tiles');
    const other = await page.context().newPage();
    await other.goto(page.url());
    await other.waitForSelector('form');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.waitForSelector('form');
    await page.reload();
    await page.waitForSelector('form');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('says that it reads, and when the server is away, and tries again', async () => {
    const { page } = await letIn();
    let answer: () => void = () => undefined;
    await page.route('**/graphql', async (route) => {
      await new Promise<void>((resolve) => (answer = resolve));
      await route.abort();
    });
    await page.selectOption('select >> nth=0', '7');
    await page.getByText('Reading the ledger').waitFor();
    answer();
    await page.getByText('The server cannot be reached').waitFor();
    await page.unroute('**/graphql');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('calls in the last 7 days').waitFor();
    await page.close();
  });

  test('saves the table as a file', async () => {
    const { page, problems } = await letIn();
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'CSV' }).click(),
    ]);
    expect(download.suggestedFilename()).toBe('legacy-usage.csv');
    const text = await readFile(await download.path(), 'utf8');
    expect(text).toMatch(/^day,route,/);
    expect(text).toContain('GET /v2/crud/{type}/list,event_session,');
    expect(problems).toEqual([]);
    await page.close();
  });
});
