import { existsSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { replaySecrets } from './config';
import { reasonOf, replay } from './replay/replay';

const usage = `npm run replay -- FILE --against URL [--with URL] [options]
  Sends the requests of a recording (RECORD_REQUESTS) to a server, one after the other, and compares its answers with the
  recorded ones field by field; or those of two servers with each other.
  --against URL        the server that is asked
  --with URL           a second one: its answers are compared with those of the first
  --key KEY            the API key that stands for those of the recording, where it is not known which
  --token TOKEN        the same of tokens that were got before the recording began
  --account ID         the account that stands for the recorded one
  --secret NAME=VALUE  any other secret, by the name that it has in the recording (password_0123456789) or by what it is
                       (password); again for each. Also REPLAY_KEY, REPLAY_PASSWORD_0123456789 and so on in the environment
  --only-reads         leaves out what may change something
  --ignore NAME        does not compare fields and headers of that name; again for each
  --any-order          lists may have their records in another order
  --examples N         shows so many places of each difference (3)
  --json               reports as JSON
Ends with 0 when all is the same, 1 when something differs or could not be replayed, 2 when it could not do its work.`;

const say = (text: string): void => console.log(text);

async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      against: { type: 'string' },
      with: { type: 'string' },
      key: { type: 'string' },
      token: { type: 'string' },
      account: { type: 'string' },
      secret: { type: 'string', multiple: true, default: [] },
      'only-reads': { type: 'boolean', default: false },
      ignore: { type: 'string', multiple: true, default: [] },
      'any-order': { type: 'boolean', default: false },
      examples: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (options.help) {
    say(usage);
    return 0;
  }
  const { against, key, token, account, secret, json } = options;
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) throw new Error(`It takes one file.\n\n${usage}`);
  if (!existsSync(file)) throw new Error(`There is no file ${file}.`);
  if (against === undefined) throw new Error(`--against is missing.\n\n${usage}`);
  const urls = [against, ...(options.with === undefined ? [] : [options.with])];
  for (const url of urls)
    if (!/^https?:\/\/./.test(url)) throw new Error(`${url} is no address of a server.`);
  const examples = Number(options.examples);
  if (!Number.isInteger(examples) || examples < 0) throw new Error(`--examples takes a number.\n\n${usage}`);

  const secrets = replaySecrets();
  if (key !== undefined) secrets.set('key', key);
  if (token !== undefined) secrets.set('token', token);
  for (const pair of secret) {
    const [, name = '', value = ''] = /^(\w+)=(.*)$/s.exec(pair) ?? [];
    if (name === '') throw new Error(`--secret takes NAME=VALUE.\n\n${usage}`);
    secrets.set(name, value);
  }

  const report = await replay(file, {
    against,
    with: options.with,
    secrets,
    account: account ?? secrets.get('account'),
    onlyReads: options['only-reads'],
    ignored: new Set(options.ignore),
    anyOrder: options['any-order'],
    told: process.stderr.isTTY ? (line) => process.stderr.write(`\r${String(line)}`) : undefined,
  });
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K');
  const { calls, same, left, unknown, skipped, differences } = report;
  say(
    json
      ? JSON.stringify({ calls, same, left, unknown, skipped: Object.fromEntries(skipped), differences })
      : report.text(examples),
  );
  return report.clean ? 0 : 1;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    console.error(reasonOf(error));
    process.exitCode = 2;
  },
);
