import { createHmac } from 'node:crypto';
import { snakeCase } from '../kernel/attributes';
import type { Header } from './entry';

/** Names under which secrets stand, in headers, queries and bodies, and what they are called in their place. */
const kinds = Object.entries({
  auth_key: /(?:^|_)auth_key(?:_hash)?$/,
  access_key: /(?:^|_)(?:access|site)_key$/,
  key: /(?:^|_)(?:api|public|secret|private)_?key$/,
  passcode: /(?:^|_)(?:passcode(?:_hash)?|access_code(?:_kv_json)?)$/,
  password: /(?:^|_)(?:password|passwd|pwd)(?:_hash)?$/,
  token: /(?:^|_)(?:jwt|token|authorization)$/,
  secret: /(?:^|_)(?:secret|cookie|signature|credentials?)$/,
});

/** What kind of secret stands under a name, if any. */
export function kindOf(name: string): string | undefined {
  const plain = snakeCase(name.replace(/^[A-Z]+/, (start) => start.toLowerCase()));
  return kinds.find(([, pattern]) => pattern.test(plain))?.[0];
}

/** Stands for a secret: `{{key_0123456789}}`. */
export const placeholders = /\{\{((\w+?)_[0-9a-f]{10})\}\}/g;

/**
 * Names secrets so that the same one has the same name in every process, and nobody who does not know `salt` finds it out by trying.
 */
export const namedBy =
  (salt: string) =>
  (kind: string, secret: string): string =>
    `{{${kind}_${createHmac('sha256', salt).update(`recording ${secret}`).digest('hex').slice(0, 10)}}}`;

/** Shorter ones may be a text, or stand in one, by chance. */
const [leastAlone, leastWithin] = [5, 11];

/**
 * Takes the secrets out of a request and its answer: those that stand under the name of one, tokens wherever they stand, and what was
 * found so and stands somewhere else again. For the last it has to see everything twice.
 */
export class Censor {
  private readonly found = new Map<string, string>();

  constructor(private readonly nameOf: (kind: string, secret: string) => string) {}

  headers(headers: readonly Header[]): Header[] {
    return headers.map(({ name, value }) => {
      const kind = kindOf(name.toLowerCase().replaceAll('-', '_'));
      const [, scheme = '', secret = ''] = /^((?:bearer|basic)\s+)?(.*)$/is.exec(value) ?? [];
      return { name, value: kind ? scheme + this.secret(kind, secret) : this.text(value) };
    });
  }

  /** An address, or the path and query of one. */
  url(url: string): string {
    const mark = url.indexOf('?');
    return mark < 0 ? url : `${url.slice(0, mark + 1)}${this.form(url.slice(mark + 1))}`;
  }

  /** A query, or a body in the same form. */
  form(text: string): string {
    return text
      .split('&')
      .map((pair) => {
        const [[name, value] = ['', '']] = [...new URLSearchParams(pair)];
        const kind = kindOf(name);
        const told = kind ? this.secret(kind, value) : this.text(value);
        return told === value ? pair : `${encodeURIComponent(name)}=${encodeURIComponent(told)}`;
      })
      .join('&');
  }

  json(value: unknown, name = '', under?: string): unknown {
    const kind = kindOf(name) ?? under;
    if (typeof value === 'string') return kind ? this.secret(kind, value) : this.text(value);
    if (typeof value === 'number') return kind ? this.secret(kind, String(value)) : value;
    if (Array.isArray(value)) return value.map((each) => this.json(each, '', kind));
    if (value === null || typeof value !== 'object') return value;
    // A condition of a search has the name beside the value.
    const { field } = value as { field?: unknown };
    const compared = typeof field === 'string' ? kindOf(field) : undefined;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        this.json(inner, key, kind ?? (key === 'value' ? compared : undefined)),
      ]),
    );
  }

  text(text: string): string {
    const whole = this.found.get(text);
    if (whole !== undefined && text.length >= leastAlone) return whole;
    if (/^\s*[[{]/.test(text)) {
      const value = parsed(text);
      const told = value === undefined ? undefined : JSON.stringify(this.json(value));
      if (told !== undefined) return told === JSON.stringify(value) ? text : told;
    }
    let told = text
      .replace(/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, (token) => this.secret('token', token))
      .replace(/([?&]([\w-]+)=)([^&#\s"'<>]+)/g, (pair, start: string, name: string, value: string) => {
        const kind = kindOf(name);
        return kind ? start + this.secret(kind, value) : pair;
      });
    for (const [secret, name] of this.found)
      if (secret.length >= leastWithin) told = told.replaceAll(secret, name);
    return told;
  }

  private secret(kind: string, secret: string): string {
    if (secret === '' || secret.startsWith('{{')) return secret;
    const name = this.found.get(secret) ?? this.nameOf(kind, secret);
    this.found.set(secret, name);
    return name;
  }
}

/** What the text is as JSON; undefined when it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
