import { demo, seedDemo } from '../../seeders/demo';
import { useApp } from '../support/app';
import { describeInBrowser, scrolls, useBrowser } from './support';

describeInBrowser('the pages in a browser', () => {
  const app = useApp({ rows: 1, env: { DEMO_DATA: 'true' } });
  const open = useBrowser(app);
  beforeAll(() => seedDemo(app.services));

  test('the links of the start page lead somewhere', async () => {
    const { page, problems } = await open('/');
    expect(await page.title()).toBe('Aether API');
    expect(await scrolls(page)).toEqual([false, false]);
    const links = await Promise.all((await page.locator('a').all()).map((link) => link.getAttribute('href')));
    expect(links).toEqual([
      '/graphiql',
      '/graphql',
      '/docs',
      '/docs/access',
      '/docs/migrate',
      '/openapi.json',
      '/health',
    ]);
    for (const link of links) {
      const answer = await page.request.get(`${app.url}${link!}`, { headers: { accept: 'text/html' } });
      expect([link, answer.status()]).toEqual([link, 200]);
    }
    await page.click('a[href="/docs"]');
    await page.waitForSelector('.opblock-tag');
    expect(problems).toEqual([]);
    await page.close();
  });

  test('GraphiQL runs its first query on the demo data, and knows the schema', async () => {
    const { page, problems } = await open('/graphiql');
    expect(await page.title()).toContain('GraphiQL');
    await page.click('.graphiql-execute-button');
    const result = page.locator('.result-window');
    await result.getByText('"fullName"').first().waitFor();
    const event = await app.services.database.select<{ name: string }>(
      'SELECT name FROM event WHERE id_random = ?',
      [demo.event],
    );
    expect(await result.innerText()).toContain(event[0]!.name);
    expect(await result.innerText()).not.toContain('errors');

    await page.click('[aria-label="Show Documentation Explorer"]');
    await page.locator('.graphiql-doc-explorer').getByText('Query', { exact: true }).click();
    await page.locator('.graphiql-doc-explorer').getByText('eventSessions', { exact: true }).waitFor();
    await page.click('[aria-label="Open settings dialog"]');
    await page.getByText('Persist headers').waitFor();
    expect(await scrolls(page)).toEqual([false, false]);

    await page.reload();
    await page.click('.graphiql-execute-button');
    await result.getByText('"fullName"').first().waitFor();
    expect(problems).toEqual([]);
    await page.close();
  });

  test('Swagger UI shows the operations, and tries one out', async () => {
    const { page, problems } = await open('/docs');
    expect(await page.title()).toContain('REST');
    await page.click('[data-tag="event_session"]');
    const operation = page.locator('#operations-event_session-list_event_session');
    await operation.locator('.opblock-summary-control').click();
    await operation.getByText('query eventSessions').waitFor();
    await operation.locator('tr[data-param-name="limit"] input').fill('1');
    await operation.locator('button.execute').click();
    const answer = operation.locator('.live-responses-table');
    await answer.getByRole('cell', { name: '200', exact: true }).waitFor();
    expect(await answer.innerText()).toContain('"event_session_id"');
    const [sideways] = await scrolls(page);
    expect(sideways).toBe(false);
    expect(problems).toEqual([]);
    await page.close();
  });

  test("Apollo's page may load what it needs, and says so when it cannot", async () => {
    const { page, problems } = await open('/graphql');
    await page.getByText('it appears that you might be offline').waitFor();
    // Its scripts were asked for: no policy of ours forbids them.
    expect(problems.filter((problem) => problem.includes('Content Security Policy'))).toEqual([]);
    expect(problems.some((problem) => problem.includes('embeddable-sandbox'))).toBe(true);
    await page.close();
  });
});
