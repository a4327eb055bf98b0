import type { IncomingMessage } from 'node:http';
import ipaddr from 'ipaddr.js';
import proxyaddr from 'proxy-addr';

/** Which addresses are proxies that may say for whom they ask, as Express' "trust proxy" has it. */
export type TrustsProxy = (address: string, distance: number) => boolean;

/**
 * The address that a request comes from: that of its connection, or what proxies say that are trusted; nothing that a caller sends
 * moves it. Empty when the connection is gone already.
 */
export function addressOf(request: IncomingMessage, trusts?: TrustsProxy): string {
  const { remoteAddress } = request.socket;
  if (remoteAddress === undefined) return '';
  const address = trusts ? proxyaddr(request, trusts) : remoteAddress;
  return address.startsWith('::ffff:') ? networkOf(address) : address;
}

/** What an address is counted under: of IPv6 the network of 64 bits, all of which is one caller's to choose from. */
export function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const known = ipaddr.process(address);
  return known instanceof ipaddr.IPv6 ? `${known.parts.slice(0, 4).join(':')}/64` : known.toString();
}
