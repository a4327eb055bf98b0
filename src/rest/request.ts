import type { IncomingMessage } from 'node:http';
import type { Context } from '../kernel/context';
import { findEntity, type Entity } from '../kernel/entity';
import { AetherError, badRequest, invalid, unprocessable } from '../kernel/errors';
import { isPublicId } from '../kernel/public-id';
import { toManys, type ToMany } from '../kernel/registry';

/** A REST call as it was sent: the parts of its path, its query, its body, and who calls. */
export class RestRequest {
  constructor(
    readonly ctx: Context,
    private readonly incoming: IncomingMessage,
    private readonly path: readonly string[],
    private readonly query: URLSearchParams,
    readonly body: unknown,
  ) {}

  header(name: string): string | undefined {
    const value = this.incoming.headers[name];
    return typeof value === 'string' ? value : undefined;
  }

  /** @throws NOT_FOUND when the path names no type there. */
  entityAt(index: number): Entity {
    const name = this.path[index] ?? '';
    const entity = findEntity(name);
    if (!entity) throw new AetherError('NOT_FOUND', `There is no object type "${name}".`);
    return entity;
  }

  /** @throws UNPROCESSABLE when that part of the path cannot be an id. */
  idAt(index: number): string {
    const id = this.path[index];
    if (!isPublicId(id)) throw unprocessable('An id has 11 to 22 characters of A-Z, a-z, 0-9, - and _.');
    return id;
  }

  /**
   * The connection that a nested path goes along; a child may leave out its parent's name: `journal/…/entry`.
   * @throws NOT_FOUND when the parent has no such children.
   */
  relation(): ToMany {
    const parent = this.entityAt(0);
    const name = this.path[2] ?? '';
    const relations = toManys(parent);
    const relation =
      relations.find(({ child }) => child.table === name) ??
      relations.find(({ child }) => child.table === `${parent.table}_${name}`);
    if (!relation) throw new AetherError('NOT_FOUND', `${parent.table} has no children of type "${name}".`);
    return relation;
  }

  /** A parameter of the query; one that is empty says nothing. */
  text(name: string): string | undefined {
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
    const text = this.text(name) ?? String(fallback);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : -1;
    if (value < 0 || value > max)
      throw invalid({ [name]: `must be a whole number from 0 to ${String(max)}` });
    return value;
  }
}

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
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark)),
    };
  } catch {
    throw badRequest('The path is not valid.');
  }
}
