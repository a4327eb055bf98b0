import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import { STATUS_CODES, type IncomingMessage, type ServerResponse } from 'node:http';
import { pino, type Logger } from 'pino';
import { decoded } from '../http';
import { version } from '../paths';
import { isFormType, isJsonType, type Header } from './entry';
import { Censor, namedBy, parsed } from './secrets';

/** Writes down requests and their answers, so that they can be replayed. */
export interface Recorder {
  /** Listens to a request from its first byte on; `isMeant` decides after the answer. */
  follow(request: IncomingMessage, response: ServerResponse, isMeant: () => boolean): void;
  /** Resolves when all of it is written. */
  close(): Promise<void>;
}

/** A longer body is not written down. */
const maxBody = 1024 ** 2;
/** So much may wait for the disk; then requests are left out. */
const maxWaiting = 32 * 1024 ** 2;
/** A longer recording ends by itself: it must not fill the disk that the server needs. */
const maxFile = 1024 ** 3;

/**
 * Appends to the file, which several processes may share. No request waits for it or fails by it: what cannot be written is left out,
 * and the log says so.
 * @param salt names secrets; see {@link namedBy}
 */
export function openRecorder(file: string, { salt, log }: { salt: string; log: Logger }): Recorder {
  const sink = pino.destination({
    ...{ dest: file, mkdir: true, append: true, mode: 0o600 },
    ...{ sync: false, maxLength: maxWaiting },
  });
  let size = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  let open = true;
  let leftOut = 0;
  const stop = (meaning: string, error?: unknown): void => {
    if (open) log.error({ err: error, file, leftOut }, meaning);
    open = false;
  };
  sink.on('error', (error) => stop('requests cannot be recorded: the recording has ended', error));
  sink.on('drop', () => (leftOut += 1));
  log.warn({ file }, 'requests and their answers are recorded');

  const name = namedBy(salt);
  let written = Promise.resolve();
  const write = async (call: Call): Promise<void> => {
    const line = `${JSON.stringify(await entryOf(call, name))}\n`;
    size += Buffer.byteLength(line);
    if (size > maxFile) stop('the recording has become too large, and has ended');
    else sink.write(line);
  };

  return {
    follow(request, response, isMeant) {
      if (!open) return;
      const call = listen(request, response);
      response.once('close', () => {
        if (!response.writableFinished || !isMeant()) return;
        written = written
          .then(() => write(call))
          .catch((error: unknown) => log.warn({ err: error }, 'a request was not recorded'));
      });
    },
    async close() {
      await written;
      if (leftOut > 0) log.warn({ leftOut, file }, 'the disk was too slow to record all requests');
      const closed = once(sink, 'close');
      sink.end();
      if (open) await closed;
    },
  };
}

/** A request and its answer, as they went by. */
interface Call {
  started: Date;
  /** A router shortens it on its way. */
  url: string;
  request: IncomingMessage;
  response: ServerResponse;
  sent: Bytes;
  answered: Bytes;
}

/** Keeps what is read of the request and written to the answer; both go their way as before. */
function listen(request: IncomingMessage, response: ServerResponse): Call {
  const sent = new Bytes();
  const answered = new Bytes();
  const { url = '' } = request;
  const push = request.push.bind(request);
  request.push = (chunk, encoding) => {
    if (chunk !== null) sent.add(chunk);
    return push(chunk, encoding);
  };
  const write = response.write.bind(response) as (...args: unknown[]) => boolean;
  const end = response.end.bind(response) as (...args: unknown[]) => ServerResponse;
  const overridden = {
    write: (chunk: unknown, ...more: unknown[]) => {
      answered.add(chunk, more[0]);
      return write(chunk, ...more);
    },
    end: (...args: unknown[]) => {
      answered.add(args[0], args[1]);
      return end(...args);
    },
  };
  Object.assign(response, overridden);
  return { started: new Date(), url, request, response, sent, answered };
}

/** Bytes, up to a size; of more than that their number and digest. */
class Bytes {
  size = 0;
  private kept: Buffer[] = [];
  private digest?: Hash;

  add(chunk: unknown, encoding?: unknown): void {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return;
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.size += bytes.length;
    if (this.digest) this.digest.update(bytes);
    else this.kept.push(bytes);
    if (this.size <= maxBody || this.digest) return;
    this.digest = createHash('sha256');
    for (const each of this.kept) this.digest.update(each);
    this.kept = [];
  }

  /** All of them, when that is no more than is kept. */
  get whole(): Buffer | undefined {
    return this.digest ? undefined : Buffer.concat(this.kept);
  }

  get sha256(): string {
    const digest = this.digest?.copy() ?? createHash('sha256').update(Buffer.concat(this.kept));
    return digest.digest('hex');
  }
}

type Named = ReturnType<typeof namedBy>;

async function entryOf(call: Call, name: Named): Promise<object> {
  const { started, url, request, response, sent, answered } = call;
  const { method = '', httpVersion } = request;
  const time = Date.now() - started.getTime();
  const bytes = sent.whole && (await decoded(request, sent.whole, maxBody).catch(() => undefined));
  const headers = headersOf(request.headers).filter(({ name }) => name !== 'content-encoding');
  const answer = headersOf(response.getHeaders());
  const type = String(response.getHeader('content-type') ?? '');
  const censor = new Censor(name);
  const make = (): object => ({
    startedDateTime: started.toISOString(),
    time,
    request: {
      method,
      url: censor.url(`http://${request.headers.host ?? 'localhost'}${url}`),
      httpVersion: `HTTP/${httpVersion}`,
      headers: censor.headers(headers),
      ...(sent.size > 0 && { postData: sentBody(request.headers['content-type'] ?? '', bytes, censor) }),
      ...unknown,
      bodySize: sent.size,
    },
    response: {
      status: response.statusCode,
      statusText: STATUS_CODES[response.statusCode] ?? '',
      httpVersion: `HTTP/${httpVersion}`,
      headers: censor.headers(answer),
      content: {
        ...{ size: method === 'HEAD' ? 0 : answered.size, mimeType: type },
        ...(method !== 'HEAD' && answered.size > 0 && answeredBody(type, answered, censor)),
      },
      ...{ redirectURL: '', ...unknown, bodySize: answered.size },
    },
    ...{ cache: {}, timings: { send: -1, wait: -1, receive: -1 } },
    comment: `Aether API ${version}`,
  });
  // What the answer gives away of the request is known only then.
  make();
  return make();
}

/** The format wants it. */
const unknown = { cookies: [], queryString: [], headersSize: -1 };

const headersOf = (headers: Record<string, unknown>): Header[] =>
  Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((each) => ({ name, value: String(each) })),
  );

/** A body that secrets cannot be told from is not written down. */
function sentBody(mimeType: string, bytes: Buffer | undefined, censor: Censor) {
  if (!bytes) return { mimeType };
  if (/^multipart\//i.test(mimeType))
    return { mimeType, text: withoutSecrets(bytes, censor).toString('base64'), _encoding: 'base64' as const };
  const text = bytes.toString();
  if (isFormType(mimeType)) return { mimeType, text: censor.form(text) };
  return parsed(text) === undefined ? { mimeType } : { mimeType, text: censor.text(text) };
}

/** The parts of a form that are no files. */
function withoutSecrets(bytes: Buffer, censor: Censor): Buffer {
  const parts =
    /(content-disposition: form-data; name="?([^";\r\n]+)"?\r\n(?:[^\r\n]+\r\n)*\r\n)(.*?)(?=\r\n--)/gis;
  const text = bytes
    .toString('latin1')
    .replace(
      parts,
      (_part, head: string, name: string, value: string) => head + String(censor.json(value, name)),
    );
  return Buffer.from(text, 'latin1');
}

function answeredBody(type: string, answered: Bytes, censor: Censor) {
  if (!isJsonType(type) && !/^text\//i.test(type)) return { _sha256: answered.sha256 };
  const text = answered.whole?.toString();
  return text === undefined ? {} : { text: censor.text(text) };
}
