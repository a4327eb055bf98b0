import type { Origin, Services, Viewer } from '../kernel/context';
import type {} from './ledger';
import { nameOf, type LegacyRoute } from './routes';
import type { Switches } from './switches';

declare module '../kernel/context' {
  interface Services {
    legacy: Legacy;
  }
}

/**
 * A program has called an old route. Made when the answer has been sent, or its caller has gone; whatever the answer was, also where it
 * was refused. Holds nothing of the query and the body, and of the headers only what is named here: there may be passwords and tokens
 * in them.
 */
export interface LegacyCall {
  /** The row of the table: what was called, of which generation, and what replaces it. */
  route: LegacyRoute;
  /** The object type that the call was about, where its path names one that there is. */
  type?: string;
  /** The operation of the graph that replaces this very call, as in `query events`. */
  operation?: string;
  /** Who called: key, account, user, level. Undefined when no caller was found in what was sent, such as an unknown key. */
  viewer?: Viewer;
  /** Network address, and how the program named itself (`User-Agent`). */
  from: Origin;
  /** The page that called, as in `https://app.example.org`, where a browser named it. */
  page?: string;
  /** HTTP status of the answer; 499 when its caller did not wait for it. */
  status: number;
  /** From the head of the request to the end of its answer. */
  ms: number;
  requestId: string;
}

/** What is done about the old routes. */
export interface Legacy {
  /** Tells of a call: logs it and counts it. Never throws, and never waits. */
  record(call: LegacyCall): void;
  /** Which of them are switched off. */
  switches: Switches;
}

export function createLegacy({
  log,
  metrics,
  ledger,
  switches,
}: Pick<Services, 'log' | 'metrics' | 'ledger'> & { switches: Switches }): Legacy {
  return {
    switches,
    record(call) {
      const { route, type, operation, viewer, from, page, status, ms, requestId } = call;
      ledger.add(call);
      const name = nameOf(route);
      metrics.legacy(name, viewer?.key.name ?? 'unknown');
      log.warn(
        {
          requestId,
          route: name,
          type,
          generation: route.generation,
          key: viewer?.key.name,
          keyId: viewer?.key.id,
          account: viewer?.account?.id,
          user: viewer?.user?.id,
          address: from.address,
          agent: from.agent,
          page,
          status,
          ms,
          replacement: route.becomes,
          operation,
          sunset: route.sunset,
        },
        '!!! DEPRECATED ROUTE ACCESSED',
      );
    },
  };
}
