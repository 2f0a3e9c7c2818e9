import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { targetOf } from '../credentials/request-target.js';
import { type Names, parseNames, type Selector } from './selector.js';

/** Which part of the path tells. */
export interface ByPathSegmentOptions {
  /** Which segment: 0 is the first, so that 1 is `acme` in `/tenants/acme/reports`. Default 0. */
  readonly at?: number | undefined;
}

/** What stands between two slashes. */
const SEGMENT = /^[^/\\?#\s]+$/;

/** A parser would walk these up, or turn them around, to another path. */
const AMBIGUOUS = /\\|(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * Selects by one segment of the path that the client asked for (`originalUrl`), compared exactly as it stands there: a
 * percent-encoded spelling is another one, and so is another case. A path with dot segments, backslashes, or an empty segment before
 * that one selects none.
 *
 * @example
 * byPathSegment({ acme: 'acme', beta: 'beta' }, { at: 1 }) // of /tenants/acme/reports
 *
 * @throws TypeError when there is no segment, one cannot stand in a path, `at` is no whole number from 0, or there is another option
 */
export function byPathSegment<Name extends string>(
  names: Names<Name>,
  options: ByPathSegmentOptions = {},
): Selector<Name> {
  const { at = 0, ...unknown } = ownMembers(options);
  const remedy = "write byPathSegment({ acme: 'acme' }), with segments as they stand in the URL, without slashes";
  const known = parseNames(names, toSegment, remedy);
  for (const [name, value] of Object.entries(unknown)) throw optionError(name, value, 'write { at }, or nothing');
  if (!Number.isInteger(at) || at < 0) throw optionError('at', at, 'write which segment, 0 being the first');
  return (req) => {
    const [path = ''] = targetOf(req).path.split(/[?#]/, 1);
    if (!path.startsWith('/') || AMBIGUOUS.test(path)) return undefined;
    const segments = path.slice(1).split('/', at + 1);
    const segment = segments[at];
    return segment === undefined || segments.includes('') ? undefined : known.get(segment);
  };
}

function toSegment(written: string): string | undefined {
  return SEGMENT.test(written) && !AMBIGUOUS.test(written) ? written : undefined;
}
