/**
 * Inputs that are signed tokens. The first line says how the token is made, so that the fuzzer gets past the check of the signature:
 *
 * - `own`, `foreign`: the second line is the header and the rest is the payload. The token is signed with the key of the issuer, or with another
 * - `merged`: as `own`, but the members of header and payload are added to those of a valid token
 * - `change 12 34`: as `own`, but then character 12 is replaced by the character with the code 34
 * - anything else: the rest is the token
 */
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { linesOf, merged, textWithLines } from './lines.mjs';

export const ALGORITHM = 'EdDSA';
const PKCS8_OF_ED25519 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Always the same keys, so that an input always makes the same token. Ed25519 signatures are deterministic. */
const ISSUER_KEY = keyFrom(1);
const FOREIGN_KEY = keyFrom(2);
const PUBLIC_KEY = createPublicKey(ISSUER_KEY);

export const PUBLIC_JWK = PUBLIC_KEY.export({ format: 'jwk' });
export const FOREIGN_JWK = createPublicKey(FOREIGN_KEY).export({ format: 'jwk' });

/** @param valid header and payload of a valid token */
export function tokenFrom(bytes, valid) {
  const [how, header, payload] = linesOf(bytes, 2);
  if (how === 'merged') return signed(merged(header, valid.header), merged(payload, valid.payload), ISSUER_KEY);
  const token = () => signed(header, payload, how === 'foreign' ? FOREIGN_KEY : ISSUER_KEY);
  const [, position, code] = /^change (\d{1,5}) (\d{1,3})$/.exec(how) ?? [];
  if (position !== undefined) return withCharacter(token(), Number(position), String.fromCharCode(Number(code)));
  return how === 'own' || how === 'foreign' ? token() : payload;
}

export function signedInput(how, header, payload) {
  return textWithLines(
    how,
    typeof header === 'string' ? header : JSON.stringify(header),
    typeof payload === 'string' ? payload : JSON.stringify(payload),
  );
}

/** The parts of a token whose signature `node:crypto` verifies with the key of the issuer; `undefined` for any other token. */
export function verifiedParts(token, key = PUBLIC_KEY) {
  const [header, payload, signature, ...others] = token.split('.');
  if (signature === undefined || others.length > 0) return undefined;
  if (!verify(undefined, Buffer.from(`${header}.${payload}`), key, Buffer.from(signature, 'base64url')))
    return undefined;
  return { header: decoded(header), payload: decoded(payload) };
}

function decoded(part) {
  return JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
}

function signed(header, payload, key) {
  const content = [header, payload].map((part) => Buffer.from(part).toString('base64url')).join('.');
  return `${content}.${sign(undefined, Buffer.from(content), key).toString('base64url')}`;
}

function withCharacter(text, position, character) {
  return position < text.length ? `${text.slice(0, position)}${character}${text.slice(position + 1)}` : text;
}

function keyFrom(byte) {
  const key = Buffer.concat([PKCS8_OF_ED25519, Buffer.alloc(32, byte)]);
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' });
}
