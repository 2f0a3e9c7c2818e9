import type { IncomingMessage } from 'node:http';
import { ownMember } from '../core/own-members.js';

/** The target in the request line of a request: a path with its query, and also a host if the target has the absolute form. */
export interface RequestTarget {
  /** The host of the target, with its port. `undefined` if the target is only a path; empty if the target cannot be parsed. */
  readonly authority: string | undefined;
  readonly path: string;
}

/** A request target in absolute form, with scheme and host, as clients send it to proxies (RFC 9112 section 3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?#\\]+)(.*)$/is;

/**
 * Reads the target as the client sent it. The function prefers `originalUrl` to `url`, because Express and Connect remove the mount path
 * from `url`.
 */
export function targetOf(req: IncomingMessage): RequestTarget {
  const originalUrl = ownMember(req, 'originalUrl');
  const { url = '' } = req;
  const target = typeof originalUrl === 'string' ? originalUrl : url;
  if (/^[/*]/.test(target)) return { authority: undefined, path: target };
  const [, authority = '', path = ''] = ABSOLUTE.exec(target) ?? [];
  return { authority, path };
}
