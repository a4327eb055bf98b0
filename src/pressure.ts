import { monitorEventLoopDelay } from 'node:perf_hooks';
import { getHeapStatistics } from 'node:v8';
import { unavailable } from './kernel/errors';

export interface Pressure {
  /** @throws UNAVAILABLE while the server has more to do than it can. */
  check(): void;
  close(): void;
}

const sampleMs = 500;
/** How often the event loop is looked at; a loop with nothing else to do is late by so much. */
const resolutionMs = 10;
/** Above this part of the memory that there may be, collecting garbage takes most of the time. */
const fullHeap = 0.95;
const retrySeconds = 2;

/**
 * Watches how late the event loop is on average, and how full the memory: a server that takes in more than it can do answers all of it
 * late, and ends by answering none.
 * @param maxDelayMs how late it may be; 0 for no guard
 */
export function watchPressure(maxDelayMs: number): Pressure {
  if (maxDelayMs === 0) return { check: () => undefined, close: () => undefined };
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  let late = false;
  const sampling = setInterval(() => {
    late = delays.mean / 1e6 - resolutionMs > maxDelayMs;
    delays.reset();
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics();
    late ||= used > limit * fullHeap;
  }, sampleMs).unref();
  return {
    check() {
      if (late) throw unavailable('The server has too much to do: try again soon.', retrySeconds);
    },
    close() {
      clearInterval(sampling);
      delays.disable();
    },
  };
}
