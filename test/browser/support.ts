import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { TestApp } from '../support/app';

/** The browser of this machine: CHROMIUM, or what is on the PATH. */
const executablePath = [
  process.env.CHROMIUM,
  ...(process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => join(folder, name))),
].find((path) => path !== undefined && path !== '' && existsSync(path));

export interface Visit {
  page: Page;
  /** What went wrong on it. */
  problems: string[];
}

/** What the pages are tested with, where there is a browser: without one the suite is skipped, which `.ci/run` does not let pass. */
export const describeInBrowser = (name: string, body: () => void): void => {
  (executablePath ? describe : describe.skip)(name, body);
};

/** Opens pages of the application, on which everything but that is out of reach. */
export function useBrowser(
  app: TestApp,
): (path: string, viewport?: { width: number; height: number }) => Promise<Visit> {
  let browser: Browser;
  jest.setTimeout(60_000);
  beforeAll(async () => {
    browser = await chromium.launch({
      executablePath,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    });
  });
  afterAll(() => browser?.close());

  return async (path, viewport = { width: 1280, height: 800 }) => {
    const context = await browser.newContext({
      viewport,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const problems: string[] = [];
    await context.route(
      (url) => url.origin !== app.url,
      (route) => {
        problems.push(`left the origin: ${route.request().url()}`);
        return route.abort();
      },
    );
    context.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text());
    });
    context.on('weberror', (error) => problems.push(error.error().message));
    const page = await context.newPage();
    page.on('close', () => void context.close());
    await page.goto(`${app.url}${path}`);
    return { page, problems };
  };
}

/** Does the page scroll sideways, and up and down? */
export const scrolls = (page: Page): Promise<boolean[]> =>
  page.evaluate(`(({ scrollWidth, scrollHeight }) => [scrollWidth > innerWidth, scrollHeight > innerHeight])(
    document.documentElement,
  )`);
