import type { IncomingMessage } from 'node:http';
import { ownMember } from '../core/own-members.js';

/** What a client asked for: a path with its query, and the host where the request line names one. */
export interface RequestTarget {
  /** `undefined` where it names none, and empty where it cannot be told. */
  readonly authority: string | undefined;
  readonly path: string;
}

/** A proxy's form of the request line (RFC 9112 section 3.2.2). */
const ABSOLUTE = /^https?:\/\/([^/?#\\]+)(.*)$/is;

/** As the request line spells it; Express and Connect shorten `url` where they mount. */
export function targetOf(req: IncomingMessage): RequestTarget {
  const originalUrl = ownMember(req, 'originalUrl');
  const { url = '' } = req;
  const target = typeof originalUrl === 'string' ? originalUrl : url;
  if (/^[/*]/.test(target)) return { authority: undefined, path: target };
  const [, authority = '', path = ''] = ABSOLUTE.exec(target) ?? [];
  return { authority, path };
}
