import type { IncomingMessage } from 'node:http';
import { optionError } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { isRepeated } from '../credentials/request-headers.js';
import { targetOf } from '../credentials/request-target.js';
import { type Names, parseNames, type Selector } from './selector.js';

/** Where the host is found. */
export interface ByHostOptions {
  /**
   * Takes the host from elsewhere, such as Express's `req.hostname`, which goes by `X-Forwarded-Host` where `trust proxy` is set:
   * only where that proxy is the sole way in. Synchronous; a port is dropped. Default the host that the request itself names.
   */
  readonly host?: { call(req: IncomingMessage): string | undefined }['call'] | undefined;
}

/** A name, perhaps with a dot at its end (RFC 3986 section 3.2.2), or an address; then perhaps a port (RFC 9110 section 7.2). */
const HOST = /^(?:([a-z0-9._-]+?)\.?|(\[[0-9a-f:.]+\]))(:\d*)?$/i;

/**
 * Selects by the host that is asked: exactly one of the list, in any case, whatever the port, with or without a dot at its end.
 * `X-Forwarded-Host` is not looked at. A request that names two different hosts, or repeats `Host`, selects none.
 *
 * Not checked: that the client reached you under that name. It writes `Host` itself, so this only chooses who is asked; what keeps one
 * tenant's tokens from another's data is that a handler goes by the server that was chosen.
 *
 * @example
 * byHost({ 'acme.example.com': 'acme', 'beta.example.com': 'beta' })
 *
 * @throws TypeError when there is no host, one is not spelled as a host without port, one is there twice, or an option is wrong; what `host` throws
 * is passed on
 */
export function byHost<Name extends string>(names: Names<Name>, options: ByHostOptions = {}): Selector<Name> {
  const { host, ...unknown } = ownMembers(options);
  const remedy = "write byHost({ 'acme.example.com': 'acme' }), each host once and without a port";
  const known = parseNames(names, withoutPort, remedy);
  for (const [name, value] of Object.entries(unknown)) throw optionError(name, value, 'write { host }, or nothing');
  if (host !== undefined && typeof host !== 'function') throw optionError('host', host, 'write a function');
  return (req) => {
    const asked = host === undefined ? askedHost(req) : nameOf(host(req));
    return asked === undefined ? undefined : known.get(asked);
  };
}

/** The one host that a request names, wherever it names it. */
function askedHost(req: IncomingMessage): string | undefined {
  const { headers }: Partial<IncomingMessage> = req;
  if (headers === undefined || isRepeated(req, 'host')) return undefined;
  const named = [ownMember(headers, 'host'), ownMember(headers, ':authority'), targetOf(req).authority].filter(
    (each) => each !== undefined,
  );
  const [host, ...others] = named.map(nameOf);
  return others.every((other) => other === host) ? host : undefined;
}

function withoutPort(written: string): string | undefined {
  return written.replace(/^\[.*\]$/, '').includes(':') ? undefined : nameOf(written);
}

function nameOf(host: unknown): string | undefined {
  const [, name, address] = (typeof host === 'string' && HOST.exec(host)) || [];
  return (name ?? address)?.toLowerCase();
}
