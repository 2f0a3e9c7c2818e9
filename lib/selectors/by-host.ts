import type { IncomingMessage } from 'node:http';
import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { isRepeated } from '../credentials/headers.js';
import { targetOf } from '../credentials/request-target.js';
import { type Names, parseNames, type Selector } from './selector.js';

/** Options of `byHost()`. */
export interface ByHostOptions {
  /**
   * Returns the host of a request, with or without a port. The function must be synchronous. Default: the host in the request itself:
   * `Host`, `:authority` or the request target.
   *
   * Express's `req.hostname` reads `X-Forwarded-Host` when `trust proxy` is set. Use `req.hostname` only if every request passes that
   * proxy.
   */
  readonly host?: { call(req: IncomingMessage): string | undefined }['call'] | undefined;
}

/**
 * A host: a name with an optional dot at its end (RFC 3986 section 3.2.2), or an IPv6 address in brackets. An optional port follows (RFC
 * 9110 section 7.2).
 */
const HOST = /^(?:([a-z0-9._-]+?)\.?|(\[[0-9a-f:.]+\]))(:\d*)?$/i;

/**
 * Selects the authorization server by the host of the request. Case, port and a dot at the end of the host are ignored. `X-Forwarded-Host`
 * is not read. No server is selected for a request with two different hosts or with a repeated `Host` header.
 *
 * Not checked: whether the client reached your server under this host. The client can write any `Host`, so the host only decides which
 * authorization server is asked. To keep tenants apart, a handler must use the server that was selected, not the host.
 *
 * @example
 * byHost({ 'acme.example.com': 'acme', 'beta.example.com': 'beta' })
 *
 * @throws TypeError when no host is listed, a host is invalid or has a port, a host is listed twice, or an option is invalid. An error that
 * the function `host` throws for a request is passed on.
 */
export function byHost<Name extends string>(names: Names<Name>, options: ByHostOptions = {}): Selector<Name> {
  const given = ownMembers(options);
  const remedy = "write byHost({ 'acme.example.com': 'acme' }), each host once and without a port";
  const known = parseNames(names, withoutPort, remedy);
  checkOptions(given, ['host']);
  const { host } = given;
  if (host !== undefined && typeof host !== 'function') throw optionError('host', host, 'write a function');
  return (req) => {
    const requested = host === undefined ? requestedHost(req) : nameOf(host(req));
    return requested === undefined ? undefined : known.get(requested);
  };
}

/**
 * Returns the host in `Host`, `:authority` and the request target. Returns `undefined` if these differ, if all are absent, or if `Host` is
 * repeated.
 */
function requestedHost(req: IncomingMessage): string | undefined {
  const { headers }: Partial<IncomingMessage> = req;
  if (headers === undefined || isRepeated(req, 'host')) return undefined;
  const named = [ownMember(headers, 'host'), ownMember(headers, ':authority'), targetOf(req).authority].filter(
    (value) => value !== undefined,
  );
  const [host, ...others] = named.map(nameOf);
  return others.every((other) => other === host) ? host : undefined;
}

function withoutPort(host: string): string | undefined {
  return host.replace(/^\[.*\]$/, '').includes(':') ? undefined : nameOf(host);
}

function nameOf(host: unknown): string | undefined {
  const [, name, address] = (typeof host === 'string' && HOST.exec(host)) || [];
  return (name ?? address)?.toLowerCase();
}
