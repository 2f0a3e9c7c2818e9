import { type Invalidation, parseInvalidation } from '../cache/invalidation.js';
import { ownMember, ownMembers } from '../core/own-members.js';
import type { ScopeOptions, SubjectIdentifier, SubjectOptions } from './options.js';
import { SignalError } from './signal-error.js';

export interface SubjectSettings extends SubjectOptions, ScopeOptions {
  readonly issuer: string;
}

/** Why a well-formed subject names no tokens. */
export type UnknownSubject = 'foreign' | 'unmapped';

/** What to invalidate for a subject, at least one target; or why the tokens of the subject are not known. */
export type Targets = readonly Invalidation[] | UnknownSubject;

const MAX_ALIASES = 16;

/**
 * Finds what to invalidate for a subject identifier (RFC 9493, and complex subjects of OpenID Shared Signals Framework 1.0 section 3).
 *
 * @throws SignalError `wrong_subject` for a malformed identifier
 * @throws TypeError if the option `subject` returns something that cannot be invalidated
 */
export async function targetsOf(value: unknown, settings: SubjectSettings): Promise<Targets> {
  const identifier = toIdentifier(value);
  if (identifier.format === 'aliases') return aliasTargets(identifier, settings);
  if (identifier.format === 'complex') return complexTargets(identifier, settings);
  return simpleTargets(identifier, settings);
}

/** Aliases are identifiers of the same subject, so one that is known is enough. They must not be nested (RFC 9493 section 3.2.8). */
async function aliasTargets({ identifiers }: SubjectIdentifier, settings: SubjectSettings): Promise<Targets> {
  if (!Array.isArray(identifiers) || identifiers.length === 0 || identifiers.length > MAX_ALIASES) throw malformed();
  const aliases = identifiers.map(toIdentifier);
  if (aliases.some(({ format }) => format === 'aliases' || format === 'complex')) throw malformed();
  const found = await Promise.all(aliases.map((alias) => simpleTargets(alias, settings)));
  const targets = found.filter((each) => typeof each === 'object').flat();
  return targets.length > 0 ? targets : (found.find((each) => each === 'unmapped') ?? 'foreign');
}

/**
 * A complex subject is everything that all of its members describe. So a session narrows its user. A device, a tenant and other members
 * narrow it further, but tokens are not known by them: then the tokens of the session or user are invalidated.
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
  if (identifier.format === 'complex') throw malformed();
  return identifier.format === 'aliases'
    ? aliasTargets(identifier, settings)
    : simpleTargets(identifier, settings, 'sub');
}

/** @param claim the claim that the value of `opaque` and `iss_sub` is; `undefined` if an opaque value may be a user or a session */
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

/** The same `sub` or `jti` is something else at another issuer. */
function ofIssuer(
  identifier: SubjectIdentifier,
  targets: readonly Invalidation[],
  { issuer }: SubjectSettings,
): Targets {
  return textOf(identifier, 'iss') === issuer ? targets : 'foreign';
}

async function ask(identifier: SubjectIdentifier, { subject }: SubjectSettings): Promise<Targets> {
  const target = await subject?.(identifier);
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
