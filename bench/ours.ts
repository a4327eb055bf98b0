import 'reflect-metadata';
import { createServer } from 'node:http';
import { pino } from 'pino';
import { createApp } from '../src/app';
import { readConfig } from '../src/config';
import { openServices } from '../src/services';
import { report } from './child';

/** The server as `main.ts` starts it, and an ear for the bench. */
async function main(): Promise<void> {
  const config = readConfig();
  const services = await openServices(config, pino({ level: config.logLevel }));
  const app = await createApp(services, config);
  const server = createServer(app.handler);
  server.keepAliveTimeout = 65_000;
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
