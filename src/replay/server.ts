import { createHash, randomUUID } from 'node:crypto';
import { isPublicId } from '../kernel/public-id';
import { isFormType, isJsonType, type Entry, type Header } from './entry';
import { parsed, placeholders } from './secrets';

/** An answer, as it is compared. */
export interface Answered {
  status: number;
  headers: ReadonlyMap<string, string>;
  /** JSON parsed, text as it is, of other bytes their digest; undefined when it is not known. */
  body: unknown;
}

/** A secret that a request needs, and nobody has told. */
export class MissingSecret extends Error {
  constructor(readonly secret: string) {
    super(`${secret} is not known.`);
  }
}

/** Of a connection, or about the length of a body that may be another now. */
const ofTheWay =
  /^(?::.*|host|connection|keep-alive|proxy-.*|te|trailer|transfer-encoding|upgrade|expect|content-length|accept-encoding)$/i;

const timeoutMs = 60_000;

/** A run of characters that may be an id. */
const words = /[\w-]{11,}/g;

/** A server that is asked what was asked before, and what there has another name: ids of what is made, tags and secrets. */
export class Server {
  private readonly here = new Map<string, string>();
  private readonly recorded = new Map<string, string>();
  private readonly tags = new Map<string, string>();
  private readonly run = randomUUID();

  /**
   * @param secrets by the name of a placeholder, or of a kind of them
   * @param account stands for the recorded one
   */
  constructor(
    private readonly url: string,
    private readonly secrets: ReadonlyMap<string, string>,
    private readonly account?: string,
  ) {}

  /**
   * Sends a recorded request as this server knows it.
   * @throws MissingSecret; anything else when there is no answer
   */
  async ask({ request }: Entry): Promise<Answered> {
    const { method } = request;
    // First: they say which account stands for another.
    const headers = this.headersOf(request.headers);
    const body = this.bodyOf(request);
    const response = await fetch(this.addressOf(request.url), {
      method,
      headers,
      ...(body !== undefined && { body }),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      status: response.status,
      headers: new Map(response.headers),
      body: bodyOf(response.headers.get('content-type') ?? '', Buffer.from(await response.arrayBuffer())),
    };
  }

  /** Learns from an answer what is named otherwise here: what the answer to the same request had in the same place, if it was new. */
  learn(recorded: Answered, answered: Answered, isNew: (id: string) => boolean): void {
    const [was, is] = [recorded, answered].map(({ headers }) => headers.get('etag'));
    if (was !== undefined && is !== undefined) this.tags.set(was, is);
    this.learnValue(recorded.body, answered.body, isNew);
  }

  private learnValue(was: unknown, is: unknown, isNew: (id: string) => boolean, name = ''): void {
    if (typeof was === 'string' && typeof is === 'string') {
      const [, secret, kind = ''] = new RegExp(`^${placeholders.source}$`).exec(was) ?? [];
      if (secret !== undefined) {
        this.here.set(secret, is);
        this.recorded.set(is, `{{${kind}}}`);
      } else if (was !== is && isIdName(name) && isPublicId(was) && isPublicId(is) && isNew(was))
        this.name(was, is);
    } else if (isObject(was) && isObject(is))
      for (const [key, value] of Object.entries(was))
        this.learnValue(value, (is as Record<string, unknown>)[key], isNew, Array.isArray(was) ? name : key);
  }

  private name(recorded: string, here: string): void {
    if (this.here.has(recorded) || this.recorded.has(here)) return;
    this.here.set(recorded, here);
    this.recorded.set(here, recorded);
  }

  /** The text with the ids that the recording has, and secrets by their kind. */
  asRecorded(text: string): string {
    return this.recorded.size === 0 ? text : text.replace(words, (word) => this.recorded.get(word) ?? word);
  }

  /** The text with what is named otherwise here. */
  private fill(text: string, write: (secret: string) => string = String): string {
    return text
      .replace(placeholders, (_whole, name: string, kind: string) => {
        const secret = this.here.get(name) ?? this.secrets.get(name) ?? this.secrets.get(kind);
        if (secret === undefined) throw new MissingSecret(name);
        this.recorded.set(secret, `{{${kind}}}`);
        return write(secret);
      })
      .replace(words, (word) => this.here.get(word) ?? word);
  }

  private addressOf(recorded: string): URL {
    const { pathname, search } = new URL(recorded);
    const address = new URL(this.url);
    address.pathname = address.pathname.replace(/\/$/, '') + this.fill(pathname);
    address.search = this.formOf(search);
    return address;
  }

  /** A query, or a body in the same form. */
  private formOf(text: string): string {
    const pairs = [...new URLSearchParams(text)];
    return new URLSearchParams(
      pairs.map(([name, value]): [string, string] => [name, this.fill(value)]),
    ).toString();
  }

  private bodyOf({ postData }: Entry['request']): string | Buffer | undefined {
    const { mimeType = '', text, _encoding } = postData ?? {};
    if (text === undefined) return undefined;
    if (_encoding) return Buffer.from(text, _encoding);
    return isFormType(mimeType) ? this.formOf(text) : this.fill(text, escaped);
  }

  private headersOf(headers: readonly Header[]): [string, string][] {
    return headers.flatMap(({ name, value }): [string, string][] => {
      const plain = name.toLowerCase();
      if (ofTheWay.test(name)) return [];
      if (plain === 'x-account-id' && this.account !== undefined) this.name(value, this.account);
      // Whoever was replayed to before, from here or with the same Redis, would answer what was answered then.
      if (plain === 'idempotency-key') return [[name, `${value}-${this.run}`]];
      if (/^if-(?:none-)?match$/.test(plain))
        return [[name, value.replace(/(?:W\/)?"[^"]*"/g, (tag) => this.tags.get(tag) ?? tag)]];
      return [[name, this.fill(value)]];
    });
  }
}

/** Within a text of JSON. */
const escaped = (secret: string): string => JSON.stringify(secret).slice(1, -1);

/** Names that ids stand under; an answer that is nothing but an id has it as its data. */
const isIdName = (name: string): boolean => /^(?:id|data|.+_id|(?:.+_)?id_random)$/.test(name);

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The answer that was recorded. */
export function recordedAnswer({ response: { status, headers, content } }: Entry): Answered {
  const { mimeType, text, encoding, _sha256 } = content;
  const bytes = text !== undefined && encoding === 'base64' ? Buffer.from(text, 'base64') : undefined;
  return {
    status,
    headers: new Map(headers.map(({ name, value }) => [name.toLowerCase(), value])),
    body: bytes ? bodyOf(mimeType, bytes) : text === undefined ? _sha256 : readText(mimeType, text),
  };
}

function bodyOf(type: string, bytes: Buffer): unknown {
  if (bytes.length === 0) return '';
  return isJsonType(type) || /^text\//i.test(type)
    ? readText(type, bytes.toString())
    : createHash('sha256').update(bytes).digest('hex');
}

const readText = (type: string, text: string): unknown => (isJsonType(type) ? (parsed(text) ?? text) : text);
