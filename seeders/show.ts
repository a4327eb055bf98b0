import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { readConfig } from '../src/config';
import type { Services } from '../src/kernel/context';
import { openServices } from '../src/services';
import { store } from './documents';
import { seed } from './rows';
import { Show } from './show-rows';

export interface ShowOptions {
  /** 1 is a whole show: 800 sessions, 3 000 presentations, 5 000 presenters, 12 000 files, 20 000 badges. */
  factor: number;
  /** Public id of the account that holds it; made when it is not there. One account holds one show. */
  account: string;
  /** Told now and then how far it is. */
  progress?: (line: string) => void;
}

/**
 * Makes a show for tests of size and speed: the same rows for the same account at every run. Answers the id of its event, and how
 * many rows were new.
 */
export async function seedShow(
  services: Services,
  options: ShowOptions,
): Promise<{ event: string; made: number }> {
  const { account, factor, progress } = options;
  const show = new Show(account, factor);
  await store(services, show.documents);
  let made = 0;
  for (const [type, rows] of show.tables()) {
    const start = Date.now();
    let count = 0;
    for (const some of batches(rows, batchSize)) {
      made += await seed(services, some);
      count += some.length;
    }
    const seconds = Math.max(Date.now() - start, 1) / 1000;
    progress?.(`${type}: ${count} rows, ${Math.round(count / seconds)}/s`);
  }
  return { event: show.event, made };
}

/** Rows in memory at a time. */
const batchSize = 5000;

function* batches<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let batch: T[] = [];
  for (const item of items) {
    batch.push(item);
    if (batch.length < size) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/** `node dist/seeders/show.js --factor 0.1`: fills the database that the configuration names. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      factor: { type: 'string', default: '1' },
      account: { type: 'string', default: 'Show-Account' },
    },
  });
  const factor = Number(values.factor);
  if (!(factor > 0)) throw new Error('--factor takes a number above 0');
  const services = await openServices(readConfig(), pino({ level: 'warn' }));
  try {
    const start = Date.now();
    const progress = (line: string): void => console.error(line);
    const { event, made } = await seedShow(services, { factor, account: values.account, progress });
    console.error(
      `${made} new rows in ${((Date.now() - start) / 1000).toFixed(1)} s: event ${event}, account ${values.account}`,
    );
  } finally {
    await services.close();
  }
}

if (require.main === module)
  main().catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  });
