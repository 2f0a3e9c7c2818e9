const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256' };

/** Creates a key pair that signs DPoP proofs. Nothing can read its private key, not even this page. */
export async function createDpopKey() {
  const { privateKey, publicKey } = await crypto.subtle.generateKey(ALGORITHM, false, ['sign', 'verify']);
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey);
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y } };

  return {
    /** Creates a proof for one request (RFC 9449 section 4.2). With a token, it contains the token's digest. */
    async proof(method, url, token) {
      const claims = {
        jti: crypto.randomUUID(),
        htm: method,
        htu: url,
        iat: Math.floor(Date.now() / 1000),
        ...(token !== undefined && { ath: await digest(token) }),
      };
      const input = `${encode(header)}.${encode(claims)}`;
      const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes(input));
      return `${input}.${base64url(new Uint8Array(signature))}`;
    },
  };
}

async function digest(text) {
  return base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes(text))));
}

function encode(part) {
  return base64url(bytes(JSON.stringify(part)));
}

function bytes(text) {
  return new TextEncoder().encode(text);
}

function base64url(octets) {
  return btoa(String.fromCharCode(...octets))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}
