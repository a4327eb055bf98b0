import { isDeepStrictEqual } from 'node:util';
import type { Answered, Server } from './server';
import { Censor, placeholders } from './secrets';

/** One thing that is not as it was. */
export interface Difference {
  /** What it comes to, wherever it is seen. */
  what: string;
  /** Where in an answer: `data[].name`. */
  place: string;
  was?: unknown;
  is?: unknown;
}

export interface Rules {
  /** Names of fields and headers that are not compared. */
  ignored: ReadonlySet<string>;
  /** May a list have its records in another order? */
  anyOrder: boolean;
}

type Data = Record<string, unknown>;

/** Times that the server sets by its clock. */
const clockNames =
  /^(?:(?:created|updated|expires)_on|(?:first|last)_\w+_on|\w+_expires_on|eat|exp|iat|uptime_s)$/;

/** Headers of the moment, of the connection or of the machine, which tell nothing of an answer. */
const momentary =
  /^(?:date|server|via|age|connection|keep-alive|transfer-encoding|content-length|content-encoding|x-request-id|x-powered-by|ratelimit.*|x-ratelimit.*|set-cookie|idempotent-replayed)$/;

/** Headers of which only it counts that they are there. */
const opaque = /^(?:etag|last-modified|retry-after)$/;

/** The answer in the words of the recording: secrets and times without their value. */
export function plain({ status, headers, body }: Answered, server?: Server): Answered {
  const censor = new Censor((kind) => `{{${kind}}}`);
  const named = (text: string): string =>
    (server?.asRecorded(text) ?? text)
      .replace(placeholders, '{{$2}}')
      .replace(/([?&]expires=)\d+/g, '$1{{time}}');
  const walk = (value: unknown, name = ''): unknown => {
    if (typeof value === 'string') return clockNames.test(name) ? value.replace(/\d/g, '0') : named(value);
    if (typeof value === 'number') return clockNames.test(name) ? 0 : value;
    if (Array.isArray(value)) return value.map((each) => walk(each));
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, walk(inner, key)]));
  };
  return {
    status,
    headers: new Map(
      [...headers].map(([name, value]) => [name, opaque.test(name) ? '(one)' : named(censor.text(value))]),
    ),
    body: walk(typeof body === 'string' ? censor.text(body) : censor.json(body)),
  };
}

/** Compares answers to the same request, both made plain; learns from one what another has been renamed to. */
export class Comparison {
  private readonly renamed = new Map<string, string>();

  constructor(private readonly rules: Rules) {}

  answers(was: Answered, is: Answered): Difference[] {
    if (was.status !== is.status)
      return [
        { what: `status ${was.status} is now ${is.status}`, place: 'status', was: was.body, is: is.body },
      ];
    const bodies =
      was.body === undefined || is.body === undefined ? [] : [...this.values(was.body, is.body, '')];
    return [...this.headers(was.headers, is.headers), ...bodies];
  }

  private headers(was: Answered['headers'], is: Answered['headers']): Difference[] {
    const names = [...new Set([...was.keys(), ...is.keys()])].filter(
      (name) => !momentary.test(name) && !this.rules.ignored.has(name),
    );
    return names.flatMap((name) => {
      const [before, now] = [was.get(name), is.get(name)];
      if (before === now) return [];
      const what = before === undefined ? 'is new' : now === undefined ? 'is missing' : 'differs';
      return [{ what: `header ${name} ${what}`, place: 'headers', was: before, is: now }];
    });
  }

  private *values(was: unknown, is: unknown, place: string): Generator<Difference> {
    if (Array.isArray(was) && Array.isArray(is)) yield* this.lists(was, is, place);
    else if (isRecord(was) && isRecord(is)) yield* this.records(was, is, place);
    else if (was !== is) yield { what: `${fieldOf(place)} differs`, place, was, is };
  }

  private *records(was: Data, is: Data, place: string): Generator<Difference> {
    const compared = (name: string): boolean => !this.rules.ignored.has(name);
    const at = (name: string): string => (place === '' ? name : `${place}.${name}`);
    const gone = Object.keys(was).filter((name) => compared(name) && !Object.hasOwn(is, name));
    const added = new Set(Object.keys(is).filter((name) => compared(name) && !Object.hasOwn(was, name)));
    for (const name of gone) {
      const now = this.newName(name, was, is, added);
      if (now === undefined) yield { what: `\`${name}\` is missing`, place: at(name), was: was[name] };
      else {
        this.renamed.set(name, now);
        added.delete(now);
        yield { what: `\`${name}\` is now \`${now}\``, place: at(name), was: was[name], is: is[now] };
      }
    }
    for (const name of added) yield { what: `\`${name}\` is new`, place: at(name), is: is[name] };
    for (const [name, value] of Object.entries(was))
      if (compared(name) && Object.hasOwn(is, name)) yield* this.values(value, is[name], at(name));
  }

  /** The one new field that holds what a missing one held; of several the one that it was before. */
  private newName(name: string, was: Data, is: Data, added: ReadonlySet<string>): string | undefined {
    const same = [...added].filter((each) => isDeepStrictEqual(is[each], was[name]));
    return same.find((each) => each === this.renamed.get(name)) ?? (same.length === 1 ? same[0] : undefined);
  }

  private *lists(was: unknown[], is: unknown[], place: string): Generator<Difference> {
    const within = `${place}[]`;
    const [before, now] = [byId(was), byId(is)];
    if (!before || !now) {
      if (was.length !== is.length)
        yield {
          what: `${fieldOf(place)} has another length`,
          place: within,
          was: was.length,
          is: is.length,
        };
      for (const [index, value] of was.slice(0, is.length).entries())
        yield* this.values(value, is[index], within);
      return;
    }
    for (const [id, record] of before) {
      const other = now.get(id);
      if (other) yield* this.values(record, other, within);
      else yield { what: `a record of ${fieldOf(place)} is missing`, place: within, was: record };
    }
    for (const [id, record] of now)
      if (!before.has(id)) yield { what: `a record of ${fieldOf(place)} is new`, place: within, is: record };
    const [firstly, secondly] = [
      [...before.keys()].filter((id) => now.has(id)),
      [...now.keys()].filter((id) => before.has(id)),
    ];
    if (!this.rules.anyOrder && !isDeepStrictEqual(firstly, secondly))
      yield { what: `${fieldOf(place)} has another order`, place: within, was: firstly, is: secondly };
  }
}

const isRecord = (value: unknown): value is Data =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Records of a list by their ids, where each has one of its own. */
function byId(list: unknown[]): Map<string, Data> | undefined {
  const records = new Map<string, Data>();
  for (const each of list) if (isRecord(each) && typeof each.id === 'string') records.set(each.id, each);
  return records.size === list.length ? records : undefined;
}

/** What stands at the end of a place. */
function fieldOf(place: string): string {
  const name = place.replaceAll('[]', '').split('.').at(-1);
  return name ? `\`${name}\`` : 'the body';
}
