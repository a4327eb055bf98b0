import 'reflect-metadata';
import { createServer } from 'node:http';
import { transport } from 'pino';
import { createApp } from './app';
import { checkConfig, ConfigError } from './config';
import { UnusableTablesError } from './database/existing';
import { demoKeyProblems, startDemo } from './demo';
import { serverOptions } from './http';
import { pruneActivity } from './kernel/activity';
import { pruneChanges } from './kernel/changes';
import { pruneReceipts } from './kernel/receipts';
import { pruneLedger } from './legacy/ledger';
import { createLog } from './log';
import { openServices } from './services';

const hourMs = 3_600_000;
/** How long it is kept who called old routes. */
const ledgerDays = 400;
/** What the server has counted and noted is lost by a crash for so long. */
const flushMs = 5_000;

/** Starts the server: reads the configuration, opens the services, listens, and drains when it is told to stop. */
async function main(): Promise<void> {
  const { config, problems } = checkConfig();
  if (config?.production) problems.push(...(await demoKeyProblems(config)));
  if (!config || problems.length > 0) throw new ConfigError(problems);
  const inColour = !config.production && process.stdout.isTTY;
  const log = createLog(config.logLevel, inColour ? transport({ target: 'pino-pretty' }) : undefined);
  if (config.exposePasscodes)
    log.warn('LEGACY_EXPOSE_PASSCODES is on: every browser is sent the passcodes of its site');

  const services = await openServices(config, log);
  const demo = config.demoData ? await startDemo(services) : undefined;
  const app = await createApp(services, config);
  const server = createServer(serverOptions, app.handler);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(config.port, config.host, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : config.port;
  log.info({ port, database: services.database.dialect, cache: services.cache.kind }, 'listening');
  if (demo) console.log(demo.banner(`http://localhost:${String(port)}`));

  const prune = (): void => {
    const daysAgo = (days: number) => new Date(services.now().getTime() - days * 24 * hourMs);
    pruneChanges(services.database, daysAgo(config.changesDays)).catch((error: unknown) => {
      log.warn({ err: error }, 'old changes are still kept');
    });
    pruneActivity(services.database, daysAgo(config.auditDays)).catch((error: unknown) => {
      log.warn({ err: error }, 'the old activity log is still kept');
    });
    pruneLedger(services.database, daysAgo(ledgerDays)).catch((error: unknown) => {
      log.warn({ err: error }, 'the old ledger of old calls is still kept');
    });
    pruneReceipts(services.database, services.now()).catch((error: unknown) => {
      log.warn({ err: error }, 'old receipts are still kept');
    });
  };
  prune();
  const pruning = setInterval(prune, hourMs);
  const flushing = setInterval(() => {
    void services.notes.flush();
    void services.usage.flush();
    void services.ledger.flush();
  }, flushMs);

  let stopping = false;
  const stop = (signal: string): void => {
    if (stopping) return;
    stopping = true;
    log.info({ signal }, 'stopping: no new connections, waiting for requests in flight');
    const impatience = setTimeout(() => {
      log.warn('requests in flight are cut off');
      server.closeAllConnections();
    }, config.shutdownGraceMs);
    services.draining = true;
    clearInterval(pruning);
    clearInterval(flushing);
    // A connection that was busy is idle later; left alone it would stay open until it times out.
    const sweeping = setInterval(() => {
      server.closeIdleConnections();
    }, 100);
    server.close(() => {
      clearTimeout(impatience);
      clearInterval(sweeping);
      void (async () => {
        await app.stop();
        await demo?.stop();
        await services.close();
        log.info('stopped');
      })();
    });
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      stop(signal);
    });
}

main().catch((error: unknown) => {
  const isTold = error instanceof ConfigError || error instanceof UnusableTablesError;
  console.error(isTold ? error.message : error);
  process.exitCode = 1;
  // Services that did open would keep the process alive.
  setTimeout(() => process.exit(1), 1000).unref();
});
