import { readFileSync, unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { z } from 'zod';
import type { Viewer } from '../kernel/context';
import { legacyRoutes, nameOf, type LegacyRoute } from './routes';

const moment = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

const rule = z
  .strictObject({
    route: z.enum(legacyRoutes.map(nameOf)).optional(),
    generation: z.enum(['v1', 'v2', 'v3']).optional(),
    /** Id or name of an API key. */
    key: z.string().min(1).optional(),
    /** For good, or in these windows: from a moment on, until another. */
    off: z.union([
      z.literal('always'),
      z
        .array(
          z
            .strictObject({ from: moment, to: moment })
            .refine(({ from, to }) => from < to, 'ends before it begins'),
        )
        .min(1),
    ]),
  })
  .refine(
    ({ route, generation, key }) => route ?? generation ?? key,
    'needs a route, a generation or a key; with several of them it is for calls of all of these',
  );

const file = z.strictObject({ switches: z.array(rule) });

type Rule = z.infer<typeof rule>;

/** Which old routes are switched off, for whom and when: what stands in a file, as it stands there now. */
export interface Switches {
  /** Is the route switched off for this caller at this moment; until when, if not for good? */
  off(route: LegacyRoute, viewer: Viewer): { until?: Date } | undefined;
  close(): void;
}

/** How often the file is looked at, in milliseconds. Asked for its time, not watched: it may be replaced, or lie on another machine. */
const lookEveryMs = 1000;

/**
 * Reads the switches, and reads them again whenever the file has changed. One that is broken by then is told of in the log, and those
 * before it stay. Without a file everything is on.
 * @throws Error saying what is wrong, when it is broken or missing from the beginning
 */
export function openSwitches(
  path: string | undefined,
  { log, now }: { log: Logger; now: () => Date },
): Switches {
  let rules = path === undefined ? [] : readRules(path);
  const reread = (): void => {
    try {
      rules = readRules(path ?? '');
      log.warn({ path, switches: rules.length }, 'the switches of old routes have changed');
    } catch (error) {
      log.error(
        { path, problem: (error as Error).message },
        'the switches of old routes are broken: those before stay',
      );
    }
  };
  if (path !== undefined) watchFile(path, { interval: lookEveryMs, persistent: false }, reread);

  return {
    off(route, { key }) {
      const name = nameOf(route);
      const time = now();
      for (const rule of rules) {
        if (rule.route !== undefined && rule.route !== name) continue;
        if (rule.generation !== undefined && rule.generation !== route.generation) continue;
        if (rule.key !== undefined && rule.key !== key.id && rule.key !== key.name) continue;
        if (rule.off === 'always') return {};
        const window = rule.off.find(({ from, to }) => from <= time && time < to);
        if (window) return { until: window.to };
      }
      return undefined;
    },
    close() {
      if (path !== undefined) unwatchFile(path, reread);
    },
  };
}

function readRules(path: string): Rule[] {
  const { data, error } = file.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (data) return data.switches;
  throw new Error(
    error.issues.map(({ path: place, message }) => `${place.join('.')}: ${message}`).join('; '),
  );
}
