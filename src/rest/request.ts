import type { IncomingMessage } from 'node:http';
import type { Context } from '../kernel/context';
import { findEntity, type Entity } from '../kernel/entity';
import { AetherError, badRequest, invalid, unprocessable } from '../kernel/errors';
import { isPublicId } from '../kernel/public-id';
import { toManys, type ToMany } from '../kernel/registry';
import type { Operation } from './documents';
import type { Shape } from './views';

/** How the answer of an old route differs from that of the route that replaced it. */
export interface Style {
  /** Makes of a record of a type, as it is in this shape, what is answered. */
  record?: (entity: Entity, shape: Shape) => (record: Data) => Data;
  /** Without the envelope's `meta`. */
  bare?: boolean;
}

type Data = Record<string, unknown>;

/** A REST call as it was sent: the parts of its path, its query, its body, and who calls. */
export class RestRequest {
  /** The type that the call is about. */
  readonly entity: Entity;
  /** The connection that a nested path goes along. */
  readonly relation?: ToMany;

  /** @throws NOT_FOUND when the path names a type that there is not, or that has no such children. */
  constructor(
    readonly ctx: Context,
    private readonly incoming: IncomingMessage,
    private readonly path: readonly string[],
    readonly query: URLSearchParams,
    readonly body: unknown,
    readonly style?: Style,
  ) {
    const [first = '', , second] = path;
    const entity = findEntity(first);
    if (!entity) throw new AetherError('NOT_FOUND', `There is no object type "${first}".`);
    if (second !== undefined) {
      this.relation = relationNamed(entity, second);
      if (!this.relation)
        throw new AetherError('NOT_FOUND', `${entity.table} has no children of type "${second}".`);
    }
    this.entity = this.relation?.child ?? entity;
  }

  /** @throws UNPROCESSABLE when that part of the path cannot be an id. */
  get id(): string {
    return idFrom(this.path[this.relation ? 3 : 1]);
  }

  /** Of a nested path. @throws UNPROCESSABLE */
  get parentId(): string {
    return idFrom(this.path[1]);
  }

  /** Makes of the records of an operation what is answered. */
  finishing({ finish }: Pick<Operation, 'finish'>, shape: Shape): Operation['finish'] {
    const restyle = this.style?.record?.(this.entity, shape);
    return restyle ? (record) => restyle(finish(record)) : finish;
  }

  /** The path, however it was spelled. */
  get place(): string {
    return this.path.join('/');
  }

  header(name: string): string | undefined {
    const value = this.incoming.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** A parameter of the query; one that is empty says nothing. */
  text(name: string): string | undefined {
    if (this.query === noQuery) return undefined;
    const values = this.query.getAll(name);
    if (values.length > 1) throw invalid({ [name]: 'is given more than once' });
    return values[0] || undefined;
  }

  choice(name: string, choices: readonly string[], fallback: string): string {
    const value = this.text(name) ?? fallback;
    if (!choices.includes(value)) throw invalid({ [name]: `must be one of ${choices.join(', ')}` });
    return value.toUpperCase();
  }

  number(name: string, fallback: number, max: number): number {
    return numberFrom(name, this.text(name), fallback, max);
  }
}

/** @throws VALIDATION for what is no whole number from 0 to `max` */
export function numberFrom(name: string, text: string | undefined, fallback: number, max: number): number {
  if (text === undefined) return fallback;
  const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
  if (value < 0 || value > max) throw invalid({ [name]: `must be a whole number from 0 to ${String(max)}` });
  return value;
}

/** Does a parameter or header say yes? */
export const saysYes = (text: string | undefined): boolean => /^(?:1|true|yes)$/i.test(text ?? '');

/** Does it say no? */
export const saysNo = (text: string | undefined): boolean => /^(?:0|false|no)$/i.test(text ?? '');

/** @throws UNPROCESSABLE for what cannot be an id */
export function idFrom(id: string | undefined, field?: string): string {
  if (!isPublicId(id)) throw unprocessable('An id has 11 to 22 characters of A-Z, a-z, 0-9, - and _.', field);
  return id;
}

const relations = new WeakMap<Entity, readonly ToMany[]>();

/** The connections of a type to its children. */
export function relationsOf(parent: Entity): readonly ToMany[] {
  const known = relations.get(parent);
  if (known) return known;
  const found = toManys(parent);
  relations.set(parent, found);
  return found;
}

/** The children of a type by their own; its name may leave out what it shares with the parent's: `journal/…/entry`. */
export const relationNamed = (parent: Entity, name: string): ToMany | undefined =>
  relationsOf(parent).find(({ child }) => child.table === name) ??
  relationsOf(parent).find(
    ({ child: { table } }) =>
      table.endsWith(`_${name}`) && `${parent.table}_`.startsWith(table.slice(0, -name.length)),
  );

const noQuery = new URLSearchParams();

/**
 * The parts of a path below a prefix, with and without a slash at its end, and the query after it.
 * @throws BAD_REQUEST when the path is not validly encoded.
 */
export function readUrl(url: string, prefix: string): { path: string[]; query: URLSearchParams } {
  const mark = url.indexOf('?');
  const path = url.slice(prefix.length, mark < 0 ? undefined : mark).replace(/^\/|\/$/g, '');
  try {
    return {
      path: path.split('/').map((part) => (part.includes('%') ? decodeURIComponent(part) : part)),
      query: mark < 0 ? noQuery : new URLSearchParams(url.slice(mark)),
    };
  } catch {
    throw badRequest('The path is not valid.');
  }
}
