import { z } from 'zod';
import type { Rules } from '../options/read-options.js';
import { JWT_RESPONSE_RULES, OPTION_RULES, POLICY_RULES } from '../options/rules.js';

/**
 * Maximum of the option `maxAgeSeconds`. A cached response lives at most a day, so an older event cannot concern a response that is cached
 * now.
 */
const MAX_AGE_SECONDS = 86_400;
const MAX_EVENTS = 100;

const text = () => z.string().min(1);
const url = () => text().refine((value) => URL.canParse(value));
const func = () => z.custom((value) => typeof value === 'function');

/** Rules for the options of all handlers that verify signed tokens. */
const TOKEN_RULES = {
  authenticate: [() => z.unknown(), 'write what tokenIntrospection() returned'],
  issuer: [text, 'write the "iss" of the tokens, exactly as the metadata of the issuer spell it'],
  audience: [
    () => z.union([text(), z.array(text()).min(1)]),
    'write the "aud" of the tokens, or a list of accepted values',
  ],
  keys: [
    () => z.unknown(),
    'write the public key of the issuer (PEM, JWK, KeyObject or CryptoKey), a JWK Set, or its URL',
  ],
  algorithms: JWT_RESPONSE_RULES['jwtResponse.algorithms'],
  maxAgeSeconds: [
    () => z.number().min(1).max(MAX_AGE_SECONDS),
    `write a number of seconds from 1 to ${MAX_AGE_SECONDS}`,
  ],
  clockToleranceSeconds: POLICY_RULES.clockToleranceSeconds,
  dangerouslyAllowHttp: OPTION_RULES.dangerouslyAllowHttp,
  dispatcher: OPTION_RULES.dispatcher,
  clock: OPTION_RULES.clock,
} as Rules;

const allowJwtType = OPTION_RULES.dangerouslyAllowHttp as Rules[string];
const scope: Rules[string] = [() => z.enum(['session', 'subject']), "write 'session' or 'subject'"];
const subject: Rules[string] = [func, 'write (identifier) => ({ sub: … }), or undefined for an unknown subject'];

export const LOGOUT_RULES: Rules = { ...TOKEN_RULES, allowJwtType, scope };
export const EVENT_RULES: Rules = { ...TOKEN_RULES, allowJwtType, scope, subject };
/**
 * Rule for the option `audience` of `globalTokenRevocation()`: it must be a URL or a list of URLs. An access token often has the name of
 * the API as its audience. Such a token must not be enough to revoke tokens.
 */
const audience: Rules[string] = [
  () => z.union([url(), z.array(url()).min(1)]),
  'write the URL of this handler, or a list of URLs',
];
export const REVOCATION_RULES: Rules = { ...TOKEN_RULES, audience, allowJwtType, subject };
export const POLLING_RULES: Rules = {
  ...EVENT_RULES,
  endpoint: [
    () => z.union([text(), z.instanceof(URL)]).refine((value) => URL.canParse(String(value))),
    'write the URL that the transmitter gave you for polling',
  ],
  token: [() => z.union([text(), func()]), 'write the access token for the transmitter, or a function that returns it'],
  maxEvents: [() => z.int().min(1).max(MAX_EVENTS), `write a whole number from 1 to ${MAX_EVENTS}`],
};
