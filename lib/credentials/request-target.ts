import type { IncomingMessage } from 'node:http';
import { ownMember } from '../core/own-members.js';

/** The target of the request line: a path with its query, and a host in the absolute form. */
export interface RequestTarget {
  /** `undefined` if the target has no host; empty if the target cannot be parsed. */
  readonly authority: string | undefined;
  readonly path: string;
}

/** The absolute form, which clients send to proxies (RFC 9112 section 3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?#\\]+)(.*)$/is;

/** Reads the target as the client sent it. It prefers `originalUrl`, because Express and Connect remove the mount path from `url`. */
export function targetOf(req: IncomingMessage): RequestTarget {
  const originalUrl = ownMember(req, 'originalUrl');
  const { url = '' } = req;
  const target = typeof originalUrl === 'string' ? originalUrl : url;
  if (/^[/*]/.test(target)) return { authority: undefined, path: target };
  const [, authority = '', path = ''] = ABSOLUTE.exec(target) ?? [];
  return { authority, path };
}
