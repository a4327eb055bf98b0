import type { IncomingMessage } from 'node:http';
import { Router, type Request } from 'express';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';
import type { Config } from './config';
import type { Services } from './kernel/context';
import { forbidden } from './kernel/errors';

declare module './kernel/context' {
  interface Services {
    metrics: Metrics;
  }
}

/** A request that has been answered; `status` is 499 when its caller did not wait for that. */
export interface Answered {
  door: 'graphql' | 'crud' | 'action' | 'other';
  method: string;
  route: string;
  status: number;
}

/** What the server counts and measures of itself. */
export interface Metrics {
  /** Others add theirs here. */
  readonly registry: Registry;
  answered: (labels: Answered, seconds: number) => void;
  corrupt: (type: string, column: string) => void;
  legacy: (route: string, key: string) => void;
}

export function createMetrics({ database }: Pick<Services, 'database'>): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const requests = new Histogram({
    name: 'aether_http_request_duration_seconds',
    help: 'Time from the head of a request to the end of its answer.',
    labelNames: ['door', 'method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers,
  });
  const corrupt = new Counter({
    name: 'aether_corrupt_values_total',
    help: 'Values met in the database that are not what was declared, each time that they were met.',
    labelNames: ['type', 'field'],
    registers,
  });
  const legacy = new Counter({
    name: 'aether_legacy_requests_total',
    help: 'Calls of deprecated routes, by the name of the API key that they came with.',
    labelNames: ['route', 'key'],
    registers,
  });
  new Counter({
    name: 'aether_database_statements_total',
    help: 'Statements sent to the database.',
    registers,
    collect() {
      this.reset();
      this.inc(database.statements);
    },
  });
  return {
    registry,
    answered: (labels, seconds) =>
      requests.observe(labels as Answered & Record<string, string | number>, seconds),
    corrupt: (type, field) => corrupt.inc({ type, field }),
    legacy: (route, key) => legacy.inc({ route, key }),
  };
}

/** `/metrics`: the text that Prometheus reads. */
export function metricsRouter({ registry }: Metrics, access: Config['metrics']): Router {
  const router = Router();
  if (access === 'off') return router;
  router.get('/metrics', async (request: Request, response) => {
    if (access === 'loopback' && !isLocal(request))
      throw forbidden('Metrics are for programs on the machine of the server; see METRICS.');
    response.set({ 'Cache-Control': 'no-store', 'Content-Type': registry.contentType });
    response.send(await registry.metrics());
  });
  return router;
}

/** A proxy on this machine comes from here too, on behalf of anybody; it says so. */
const isLocal = ({ socket, headers }: IncomingMessage): boolean =>
  /^(?:::ffff:)?127\.|^::1$/.test(socket.remoteAddress ?? '') &&
  headers.forwarded === undefined &&
  headers['x-forwarded-for'] === undefined &&
  headers['x-real-ip'] === undefined &&
  headers.via === undefined;
