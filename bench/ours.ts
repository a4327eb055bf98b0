import 'reflect-metadata';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { createApp } from '../src/app';
import { readConfig } from '../src/config';
import { serverOptions } from '../src/http';
import { openServices } from '../src/services';
import { report } from './child';

/** The server as `main.ts` starts it, and an ear for the bench. */
async function main(): Promise<void> {
  // One address and one key send all that the server can take; they are counted all the same.
  const many = String(1e9);
  const config = readConfig({ ...process.env, RATE_PER_MINUTE_ADDRESS: many, RATE_PER_MINUTE_KEY: many });
  const services = await openServices(config, pino({ level: config.logLevel }));
  const app = await createApp(services, config);
  const server = createServer(serverOptions, app.handler);
  server.listen(config.port, config.host, () => {
    report(
      server,
      () => services.database.statements,
      async () => {
        await app.stop();
        await services.close();
      },
    );
  });
}

main().catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
