import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, watch } from 'node:fs';
import { join } from 'node:path';

// Compiles after each change, and starts the server anew once it compiles. Done here because the compiler's own
// watch mode misses changes on some file systems and outlives Ctrl-C.

let server;
let timer;
let work = Promise.resolve();
const watched = new Set();

async function renew() {
  for (const folder of ['src', 'seeders']) watchFolder(folder);
  const { status } = spawnSync(process.execPath, ['node_modules/tsc7/bin/tsc', '-p', '.'], {
    stdio: 'inherit',
  });
  if (status !== 0) return;
  await end();
  server = spawn(process.execPath, ['--enable-source-maps', 'dist/src/main.js'], { stdio: 'inherit' });
}

async function end() {
  if (!server || server.exitCode !== null || server.signalCode !== null) return;
  server.kill('SIGTERM');
  await once(server, 'exit');
}

// Editors write in several steps.
function renewSoon() {
  clearTimeout(timer);
  timer = setTimeout(() => (work = work.then(renew)), 100);
}

// Folder by folder: Node's own recursive watching loses files that editors replace.
function watchFolder(folder) {
  if (!watched.has(folder)) {
    watched.add(folder);
    watch(folder, renewSoon).on('error', () => watched.delete(folder));
  }
  for (const entry of readdirSync(folder, { withFileTypes: true }))
    if (entry.isDirectory()) watchFolder(join(folder, entry.name));
}

for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => end().then(() => process.exit()));
renewSoon();
