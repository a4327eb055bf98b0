import { lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';
import { Agent, buildConnector, fetch } from 'undici';

/**
 * Fetches from public addresses alone: for URLs that callers may set, none of which may lead into the network that the server
 * stands in. Each address is asked that a connection is made to: whatever a name meant before, and wherever a redirect leads.
 * @param find looks a name up
 */
export function createPublicFetch(find: typeof lookup = lookup): typeof globalThis.fetch {
  const findPublic: LookupFunction = (name, options, done) => {
    find(name, { ...options, all: true }, (error, found) => {
      const [first, ...more] = error ? [] : found.filter(({ address }) => isPublic(address));
      if (!first) done(error ?? notPublic(), []);
      else if (options.all) done(null, [first, ...more]);
      else done(null, first.address, first.family);
    });
  };
  const connect = buildConnector({ lookup: findPublic });
  const dispatcher = new Agent({
    connect(options, done) {
      // What is an address already is not looked up.
      if (isIP(options.hostname) && !isPublic(options.hostname)) done(notPublic(), null);
      else connect(options, done);
    },
  });
  const publicFetch: typeof fetch = (url, init) => fetch(url, { ...init, dispatcher });
  return publicFetch as unknown as typeof globalThis.fetch;
}

/** IPv4 may stand in IPv6, by which it is no other. */
const isPublic = (address: string): boolean =>
  ipaddr.isValid(address) && ipaddr.process(address).range() === 'unicast';

const notPublic = (): Error => Object.assign(new Error('No public address'), { code: 'NOT_PUBLIC' });
