import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Comparison, plain, type Rules } from './compare';
import { readEntry, type Entry } from './entry';
import { Report } from './report';
import { MissingSecret, recordedAnswer, Server, type Answered } from './server';

export interface ReplayOptions extends Rules {
  /** The server that is asked. */
  against: string;
  /** A second one: then the answers of the two are compared, and the recorded ones only tell what was made. */
  with?: string;
  /** Leaves out what may change something. */
  onlyReads: boolean;
  /** By the name of a placeholder (`key_0123456789`), or of a kind (`key`). */
  secrets: ReadonlyMap<string, string>;
  /** Id of the account that stands for the recorded one. */
  account?: string;
  /** Told after each line. */
  told?: (line: number) => void;
}

/**
 * Sends what was recorded, one request after the other, and compares what is answered.
 * @throws when a line is no request, or a server does not answer at all
 */
export async function replay(file: string, options: ReplayOptions): Promise<Report> {
  const servers = [options.against, options.with].flatMap((url) =>
    url === undefined ? [] : [new Server(url, options.secrets, options.account)],
  );
  const comparison = new Comparison(options);
  const report = new Report();
  const known = new Known();
  let number = 0;
  for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
    number += 1;
    if (line.trim() === '') continue;
    const entry = entryOf(line, number);
    const { request } = entry;
    if (options.onlyReads && !isRead(request)) report.left += 1;
    else if (request.postData && request.postData.text === undefined)
      report.skip('the body was not recorded');
    else await one(entry, number);
    known.add(line);
    options.told?.(number);
  }
  return report;

  async function one(entry: Entry, line: number): Promise<void> {
    const { request } = entry;
    const call = callOf(request);
    const recorded = recordedAnswer(entry);
    const isNew = (id: string): boolean => !isRead(request) && !known.has(id) && !isNamedIn(request, id);
    let answers: Answered[];
    try {
      answers = await Promise.all(servers.map((server) => server.ask(entry)));
    } catch (error) {
      if (error instanceof MissingSecret)
        report.skip(`${error.secret} is not known: say --secret ${error.secret}=…`);
      else if (report.calls === 0) throw error;
      else report.add(line, call, [{ what: 'there is no answer', place: 'answer', is: reasonOf(error) }]);
      return;
    }
    const [first, second] = servers;
    const [answer, other] = answers;
    if (!first || !answer) return;
    first.learn(recorded, answer, isNew);
    if (recorded.body === undefined && !second && answer.body !== '') report.unknown += 1;
    let [was, is] = [plain(recorded), plain(answer, first)];
    if (second && other) {
      second.learn(recorded, other, isNew);
      // What both have made and the recording has not.
      second.learn({ ...answer, body: is.body }, other, isNew);
      [was, is] = [is, plain(other, second)];
    }
    report.add(line, call, comparison.answers(was, is));
  }
}

/** Ids that the recording has named so far. */
class Known {
  private readonly words = new Set<string>();

  add(line: string): void {
    for (const [word] of line.matchAll(/[\w-]{11,22}/g)) this.words.add(word);
  }

  has(id: string): boolean {
    return this.words.has(id);
  }
}

const isNamedIn = ({ url, postData }: Entry['request'], id: string): boolean =>
  url.includes(id) || Boolean(postData?.text?.includes(id));

function entryOf(line: string, number: number): Entry {
  try {
    return readEntry(line);
  } catch (error) {
    throw new Error(`Line ${String(number)} ${reasonOf(error)}`);
  }
}

/** Does the request change nothing? There are old ones that make keys, files and mails with GET. */
function isRead({ method, url }: Entry['request']): boolean {
  const { pathname } = new URL(url);
  return /^(?:GET|HEAD|OPTIONS)$/.test(method)
    ? !/\/(?:authenticate|temp_token|new_auth_key|email_auth_key_url|convert_file|clip_video)\/?$/.test(
        pathname,
      )
    : /\/(?:search|validate)\/?$/.test(pathname);
}

/** Method and path, ids left out. */
const callOf = ({ method, url }: Entry['request']): string =>
  `${method} ${new URL(url).pathname
    .split('/')
    .map((part) => (/^(?=.*[\dA-Z-])[\w-]{11,}$/.test(part) ? '{id}' : part))
    .join('/')}`;

/** What went wrong, and what was behind it. */
export const reasonOf = (error: unknown): string => {
  const { message, cause } = error as { message?: string; cause?: { message?: string } };
  return [message, cause?.message].filter(Boolean).join(': ') || String(error);
};
