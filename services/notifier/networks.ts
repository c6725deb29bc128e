/**
 * Which addresses a target may have. Whoever may name a target must not reach with it what only this machine can reach:
 * every address a name resolves to is looked at, and the connection goes to those that were looked at.
 */
import { lookup as systemLookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';
import { TallyError } from '@tally/platform/errors';
import ipaddr from 'ipaddr.js';

/** Ports below this belong to other protocols than HTTP, but for its own two. */
const FREE_PORT_MIN = 1_024;
const HTTP_PORTS: readonly string[] = ['', '80', '443'];

/** IPv6 forms that carry an IPv4 address: it is what decides. NAT64, RFC 6052. */
const NAT64 = ipaddr.IPv6.parseCIDR('64:ff9b::/96');

/** An address range, as `ipaddr.parseCIDR` has it. */
export type Network = ReturnType<typeof ipaddr.parseCIDR>;

/** All addresses of a name; the system's resolver, or a test's. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** `10.0.0.0/8,fd00::/8` as ranges. Throws when one is none. */
export function parseNetworks(text: string): Network[] {
  const parts = text.split(',').map((part) => part.trim());
  return parts.filter((part) => part !== '').map((part) => ipaddr.parseCIDR(part));
}

/** What is wrong with a URL whatever its host resolves to, or undefined. */
export function urlFault(text: string): string | undefined {
  const url = URL.parse(text);
  if (url === null) return 'must be a URL';
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return 'must begin with https:// or http://';
  if (url.username !== '' || url.password !== '') return 'must hold no user name or password';
  if (url.hash !== '') return 'must have no fragment';
  if (!HTTP_PORTS.includes(url.port) && Number(url.port) < FREE_PORT_MIN) {
    return `the port must be 80, 443 or at least ${FREE_PORT_MIN}`;
  }
  return undefined;
}

/** Whether an IP address is on the public internet, or in a network that was allowed. What is no address is neither. */
export function isAllowedAddress(ip: string, allowed: readonly Network[]): boolean {
  if (!ipaddr.isValid(ip)) return false;
  const address = plainAddress(ipaddr.parse(ip));
  return address.range() === 'unicast' || allowed.some((network) => isWithin(address, network));
}

/** The IPv4 address that an IPv6 one stands for, or the address itself. */
function plainAddress(address: ipaddr.IPv4 | ipaddr.IPv6): ipaddr.IPv4 | ipaddr.IPv6 {
  if (address instanceof ipaddr.IPv4) return address;
  if (address.isIPv4MappedAddress()) return address.toIPv4Address();
  if (address.match(NAT64)) return ipaddr.fromByteArray(address.toByteArray().slice(12));
  return address;
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: Network): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

/** Throws `ADDRESS_REFUSED` for a host that is an IP address and not allowed: such a host is never looked up. */
export function checkLiteralHost(hostname: string, allowed: readonly Network[]): void {
  const host = hostname.replace(/^\[|\]$/g, '');
  if (ipaddr.isValid(host) && !isAllowedAddress(host, allowed)) throw refused(host);
}

/**
 * The system's resolver. Connections that want the same name at the same time share one question: it holds a thread that
 * files and other names need as well, and cannot be called off.
 */
export function systemResolver(): Resolve {
  const asked = new Map<string, Promise<readonly string[]>>();
  return (host) => {
    let answer = asked.get(host);
    if (!answer) {
      answer = systemLookup(host, { all: true, verbatim: true })
        .then((found) => found.map(({ address }) => address))
        .finally(() => asked.delete(host));
      asked.set(host, answer);
    }
    return answer;
  };
}

/**
 * A `lookup` for connections: fails with `ADDRESS_REFUSED` when any address of the name is not allowed, else gives
 * those very addresses to connect to. Nothing resolves the name again in between.
 */
export function checkedLookup(resolve: Resolve, allowed: readonly Network[]): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (addresses) => {
        const bad = addresses.find((address) => !isAllowedAddress(address, allowed));
        const wanted = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
        const first = wanted[0];
        if (bad !== undefined) callback(refused(bad), '', 0);
        else if (first === undefined) callback(new Error('the name has no address'), '', 0);
        else if (options.all) callback(null, wanted);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, '', 0),
    );
  };
}

function refused(ip: string): TallyError {
  const message = `${ip} is not a public address; TALLY_NOTIFY_PRIVATE_NETWORKS can allow its network`;
  return new TallyError(message, { code: 'ADDRESS_REFUSED', retriable: true });
}
