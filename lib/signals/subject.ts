import { type Invalidation, parseInvalidation } from '../cache/invalidation.js';
import { IntrospectionError } from '../core/errors.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import { withDeadline } from '../core/timeout.js';
import type { ScopeOptions, SubjectIdentifier, SubjectOptions } from './options.js';
import { SignalError } from './signal-error.js';

export interface SubjectSettings extends SubjectOptions, ScopeOptions {
  readonly issuer: string;
}

/**
 * The reason why a well-formed subject identifier leads to no tokens. `foreign`: the subject belongs to another issuer. `unmapped`: it is
 * not known which tokens belong to the subject.
 */
export type UnknownSubject = 'foreign' | 'unmapped';

/** What to invalidate for a subject: a list with at least one target, or the reason why there is no target. */
export type Targets = readonly Invalidation[] | UnknownSubject;

const MAX_ALIASES = 16;

/** Time limit of the option `subject`, in milliseconds. Without it, one call that never settles would stop the polling of events forever. */
const SUBJECT_TIMEOUT_MS = 10_000;

/**
 * Returns what to invalidate for a subject identifier. Its format may be one of RFC 9493, or `complex` of OpenID Shared Signals Framework
 * 1.0 section 3.
 *
 * @throws SignalError `wrong_subject` for a malformed identifier, `subject_failed` if the option `subject` takes longer than 10 seconds
 * @throws TypeError if the option `subject` returns something that cannot be invalidated
 */
export async function targetsOf(value: unknown, settings: SubjectSettings): Promise<Targets> {
  const identifier = toIdentifier(value);
  if (identifier.format === 'aliases') return aliasTargets(identifier, settings);
  if (identifier.format === 'complex') return complexTargets(identifier, settings);
  return simpleTargets(identifier, settings);
}

/**
 * Returns what to invalidate for a list of aliases. All aliases identify the same subject, so it is enough if one of them leads to tokens.
 * An alias must not itself be a list of aliases (RFC 9493 section 3.2.8).
 */
async function aliasTargets({ identifiers }: SubjectIdentifier, settings: SubjectSettings): Promise<Targets> {
  if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > MAX_ALIASES) throw malformed();
  const aliases = identifiers.map(toIdentifier);
  if (aliases.some(({ format }) => format === 'aliases' || format === 'complex')) throw malformed();
  const found = await Promise.all(aliases.map((alias) => simpleTargets(alias, settings)));
  const targets = found.filter((each) => typeof each === 'object').flat();
  return targets.length > 0 ? targets : (found.find((each) => each === 'unmapped') ?? 'foreign');
}

/**
 * Returns what to invalidate for a complex subject. All members of a complex subject describe it together, so a session narrows the subject
 * to a part of the user's tokens. A device, a tenant or another member would narrow it further. But tokens cannot be found by such members,
 * so more is invalidated: all tokens of the session, of the user, or of both, as the option `scope` says.
 */
async function complexTargets(identifier: SubjectIdentifier, settings: SubjectSettings): Promise<Targets> {
  const { session, user } = identifier;
  if (session === undefined && user === undefined) return ask(identifier, settings);
  const sessionTargets = session === undefined ? [] : await simpleTargets(toIdentifier(session), settings, 'sid');
  const userTargets = user === undefined ? [] : await userTargetsOf(toIdentifier(user), settings);
  if (sessionTargets === 'foreign' || userTargets === 'foreign') return 'foreign';
  const ofSession = sessionTargets === 'unmapped' ? [] : sessionTargets;
  const ofUser = userTargets === 'unmapped' ? [] : userTargets;
  const targets = settings.scope === 'session' && ofSession.length > 0 ? ofSession : [...ofSession, ...ofUser];
  return targets.length > 0 ? targets : 'unmapped';
}

function userTargetsOf(identifier: SubjectIdentifier, settings: SubjectSettings): Promise<Targets> {
  return identifier.format === 'aliases'
    ? aliasTargets(identifier, settings)
    : simpleTargets(identifier, settings, 'sub');
}

/**
 * @param claim the claim with which the identifier is compared if its format is `opaque` or `iss_sub`. With `undefined`, an `opaque`
 * identifier may be a user or a session, and an `iss_sub` identifier is a user
 */
async function simpleTargets(
  identifier: SubjectIdentifier,
  settings: SubjectSettings,
  claim?: 'sub' | 'sid',
): Promise<Targets> {
  switch (identifier.format) {
    case 'iss_sub':
      return ofIssuer(identifier, [{ [claim ?? 'sub']: textOf(identifier, 'sub') }], settings);
    case 'jwt_id':
      return ofIssuer(identifier, [{ jti: textOf(identifier, 'jti') }], settings);
    case 'opaque': {
      const id = textOf(identifier, 'id');
      return claim === undefined ? [{ sub: id }, { sid: id }] : [{ [claim]: id }];
    }
    case 'aliases':
    case 'complex':
      throw malformed();
    default:
      return ask(identifier, settings);
  }
}

/**
 * Returns the targets if the identifier has the `iss` of this issuer, otherwise `foreign`: at another issuer, the same `sub` or `jti`
 * identifies something else.
 */
function ofIssuer(
  identifier: SubjectIdentifier,
  targets: readonly Invalidation[],
  { issuer }: SubjectSettings,
): Targets {
  return textOf(identifier, 'iss') === issuer ? targets : 'foreign';
}

async function ask(identifier: SubjectIdentifier, { subject }: SubjectSettings): Promise<Targets> {
  if (subject === undefined) return 'unmapped';
  const target = await withDeadline(
    SUBJECT_TIMEOUT_MS,
    async () => subject(identifier),
    () => {},
  ).catch((error: unknown) => {
    throw error instanceof IntrospectionError ? new SignalError('subject_failed') : error;
  });
  if (target === undefined) return 'unmapped';
  const { name, value } = parseInvalidation(target);
  return [{ [name]: value }];
}

function toIdentifier(value: unknown): SubjectIdentifier {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed();
  return Object.freeze(ownMembers(value as SubjectIdentifier));
}

function textOf(identifier: SubjectIdentifier, name: string): string {
  const text = ownMember(identifier, name);
  if (typeof text !== 'string' || text === '') throw malformed();
  return text;
}

function malformed(): SignalError {
  return new SignalError('wrong_subject');
}
