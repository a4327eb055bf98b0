import { randomBytes } from 'node:crypto';

export interface RestAnswer {
  status: number;
  headers: Headers;
  /** The parsed body; undefined when there was none. */
  body: any;
  /** `data` of the envelope. */
  data: any;
  meta: any;
}

export interface GraphqlAnswer {
  status: number;
  headers: Headers;
  data: any;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, any> }[];
  /** Code of the first error. */
  code?: string;
  extensions?: Record<string, any>;
}

/** Somebody who calls over HTTP with certain headers. */
export class Caller {
  constructor(
    private readonly server: { readonly url: string },
    readonly headers: Record<string, string>,
  ) {}

  with(headers: Record<string, string>): Caller {
    return new Caller(this.server, { ...this.headers, ...headers });
  }

  fetch(
    path: string,
    init: Omit<RequestInit, 'headers'> & { headers?: Record<string, string> } = {},
  ): Promise<Response> {
    return fetch(`${this.server.url}${path}`, {
      redirect: 'manual',
      ...init,
      headers: { ...this.headers, ...init.headers },
    });
  }

  async rest(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<RestAnswer> {
    const response = await this.fetch(path, {
      method,
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const parsed = text === '' ? undefined : parse(text);
    return {
      status: response.status,
      headers: response.headers,
      body: parsed,
      data: parsed?.data,
      meta: parsed?.meta,
    };
  }

  async graphql(
    query: string,
    variables: Record<string, unknown> = {},
    operationName?: string,
  ): Promise<GraphqlAnswer> {
    const response = await this.fetch('/graphql', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables, operationName }),
    });
    const { data, errors, extensions } = (await response.json()) as GraphqlAnswer;
    return {
      status: response.status,
      headers: response.headers,
      data,
      errors,
      extensions,
      code: errors?.[0]?.extensions.code,
    };
  }

  /** The data of an operation that must succeed. */
  async ask(query: string, variables: Record<string, unknown> = {}): Promise<any> {
    const { data, errors } = await this.graphql(query, variables);
    if (errors) throw new Error(`${errors.map(({ message }) => message).join('; ')}\n${query}`);
    return data;
  }

  /** The answer of a call that must succeed. */
  async call(method: string, path: string, body?: unknown): Promise<RestAnswer> {
    const answer = await this.rest(method, path, body);
    if (answer.status !== 200)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer;
  }
}

function parse(text: string): any {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** An id that no object has. */
export const unknownId = (): string => randomBytes(8).toString('base64url');
