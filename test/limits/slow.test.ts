import { connect } from 'node:net';
import { keepsRows, keyOf, useApp } from '../support/app';

const app = useApp({ rows: 1, env: { BODY_MAX_MS: '600' } });

keepsRows(app);

/** Sends a request piece by piece with pauses, and answers all that comes back until the connection is gone. */
function dribble(pieces: string[], pauseMs: number): Promise<{ text: string; ms: number }> {
  const started = performance.now();
  return new Promise((resolve) => {
    let text = '';
    let sent = 0;
    const socket = connect(Number(new URL(app.url).port), '127.0.0.1');
    const sending = setInterval(() => {
      const piece = pieces[sent++];
      if (piece !== undefined) socket.write(piece);
    }, pauseMs);
    socket.on('data', (chunk) => (text += chunk.toString()));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      clearInterval(sending);
      resolve({ text, ms: performance.now() - started });
    });
  });
}

const head = (path: string, length: number) =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    `x-aether-api-key: ${keyOf('trusted')}`,
    `x-account-id: ${app.here.account}`,
    'content-type: application/json',
    'connection: close',
    `content-length: ${String(length)}`,
    '',
    '',
  ].join('\r\n');

test.each(['/graphql', '/v3/crud/person/'])('a body that comes too slowly to %s is cut off', async (path) => {
  const letters = Array.from('{"given_name": "Ann", "family_name": "Lee"}');
  const { text, ms } = await dribble([head(path, letters.length), ...letters], 100);
  expect(text).toBe('');
  expect(ms).toBeLessThan(3000);
});

test('one that is slow, but not too slow, is answered', async () => {
  const body = '{"query":"{ viewer { level } }"}';
  const pieces = [head('/graphql', body.length), body.slice(0, 10), body.slice(10)];
  expect((await dribble(pieces, 100)).text).toContain('"level":"trusted"');
});
