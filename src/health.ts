import { Router } from 'express';
import type { Services } from './kernel/context';
import { version } from './paths';

/** `/health`, `/healthz`, `/readyz`: how the server is; 503 when the database is away. */
export function healthRouter({ database, cache }: Services): Router {
  const router = Router();
  const state = async (ping: () => Promise<void>): Promise<'ok' | 'down'> => {
    try {
      await ping();
      return 'ok';
    } catch {
      return 'down';
    }
  };
  router.get(['/health', '/healthz', '/readyz'], async (_request, response) => {
    const [databaseState, cacheState] = await Promise.all([state(() => database.ping()), state(() => cache.ping())]);
    const well = databaseState === 'ok';
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
