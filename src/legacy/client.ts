import type { Origin } from '../kernel/context';

/** Which program a call came from, as it says itself. */
export interface Client {
  name: string;
  version: string;
}

/** Browsers claim to be each other: who claims the least comes first. */
const browsers: [RegExp, string][] = [
  [/\bElectron\/(\d+)/, 'Electron'],
  [/\bEdgA?\/(\d+)/, 'Edge'],
  [/\bOPR\/(\d+)/, 'Opera'],
  [/\bSamsungBrowser\/(\d+)/, 'Samsung Internet'],
  [/\b(?:Firefox|FxiOS)\/(\d+)/, 'Firefox'],
  [/\b(?:Chrome|CriOS)\/(\d+)/, 'Chrome'],
  [/\bVersion\/(\d+).*\bSafari\//, 'Safari'],
];

/** By the headers that Apollo's clients send, else by the user agent: which browser, or which program. */
export function clientOf({ program, programVersion = '', agent = '' }: Origin): Client {
  if (program) return { name: plain(program, 100), version: plain(programVersion, 50) };
  for (const [pattern, name] of browsers) {
    const [, version] = pattern.exec(agent) ?? [];
    if (version !== undefined) return { name, version };
  }
  const [, name = '', version = ''] = /^([^\s/()]+)(?:\/([^\s;()]+))?/.exec(agent) ?? [];
  return { name: plain(name, 100) || 'unknown', version: plain(version, 50) };
}

/** As columns take it that compare to the letter. */
const plain = (text: string, max: number): string =>
  text
    .replace(/[^\x20-\x7e]/g, '?')
    .trim()
    .slice(0, max);
