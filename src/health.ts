import { Router } from 'express';
import type { Services } from './kernel/context';
import { version } from './paths';

declare module './kernel/context' {
  interface Services {
    /** True once the server has been told to stop: it finishes what it has, and wants no more. */
    draining?: boolean;
  }
}

/**
 * `/health`, `/healthz`, `/readyz`: how the server is; 503 when the database is away. Who balances load
 * asks `/readyz`, which says 503 too while the server drains.
 */
export function healthRouter(services: Services): Router {
  const { database, cache } = services;
  const router = Router();
  const state = async (ping: () => Promise<void>): Promise<'ok' | 'down'> => {
    try {
      await ping();
      return 'ok';
    } catch {
      return 'down';
    }
  };
  router.get(['/health', '/healthz', '/readyz'], async (request, response) => {
    const [databaseState, cacheState] = await Promise.all([
      state(() => database.ping()),
      state(() => cache.ping()),
    ]);
    const well = databaseState === 'ok' && !(services.draining && request.path.startsWith('/readyz'));
    response.set('Cache-Control', 'no-store');
    if (!well) response.set('Retry-After', '2');
    response.status(well ? 200 : 503).json({
      status: well ? (cacheState === 'ok' ? 'ok' : 'degraded') : 'down',
      database: databaseState,
      cache: cacheState,
      version,
      uptime_s: Math.round(process.uptime()),
    });
  });
  return router;
}
