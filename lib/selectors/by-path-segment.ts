import { checkOptions } from '../core/option-check.js';
import { optionError } from '../core/option-error.js';
import { ownMembers } from '../core/own-members.js';
import { targetOf } from '../credentials/request-target.js';
import { type Names, parseNames, type Selector } from './selector.js';

/** Options of `byPathSegment()`. */
export interface ByPathSegmentOptions {
  /** Index of the segment, counted from 0: in `/tenants/acme/reports`, 1 is `acme`. Default: 0. */
  readonly index?: number | undefined;
}

/** A text that can be a segment of a path: not empty, and without slash, backslash, `?`, `#` and white space. */
const SEGMENT = /^[^/\\?#\s]+$/;

/** A backslash or a dot segment, because of which a URL parser would read another path. */
const AMBIGUOUS = /\\|(?:^|\/)(?:\.|%2e){1,2}(?:\/|$)/i;

/**
 * Selects the authorization server by one segment of the requested path (`originalUrl`). The segment is compared exactly and is not
 * decoded, so percent-encoding and case matter. No server is selected for a path with dot segments or backslashes, or with an empty segment
 * before the segment that is compared.
 *
 * @example
 * byPathSegment({ acme: 'acme', beta: 'beta' }, { index: 1 }) // matches /tenants/acme/reports
 *
 * @throws TypeError when no segment is listed, a segment cannot occur in a path, `index` is not a whole number from 0, or an option is
 * unknown
 */
export function byPathSegment<Name extends string>(
  names: Names<Name>,
  options: ByPathSegmentOptions = {},
): Selector<Name> {
  const given = ownMembers(options);
  const remedy = "write byPathSegment({ acme: 'acme' }), with segments as the URL spells them, without slashes";
  const known = parseNames(names, toSegment, remedy);
  checkOptions(given, ['index']);
  const { index = 0 } = given;
  if (!Number.isInteger(index) || index < 0) {
    throw optionError('index', index, 'write the index of the segment, counted from 0');
  }
  return (req) => {
    const [path = ''] = targetOf(req).path.split(/[?#]/, 1);
    if (!path.startsWith('/') || AMBIGUOUS.test(path)) return undefined;
    const segments = path.slice(1).split('/', index + 1);
    const segment = segments[index];
    return segment === undefined || segments.includes('') ? undefined : known.get(segment);
  };
}

function toSegment(text: string): string | undefined {
  return SEGMENT.test(text) && !AMBIGUOUS.test(text) ? text : undefined;
}
