import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { AUDIENCE } from '../tokens.mjs';

const ISSUER = 'https://idp.example.com';
const KEY_ID = 'key';

/** Options of the handlers of signals, and how the issuer signs. */
export async function createIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
  const keys = { keys: [{ ...(await exportJWK(publicKey)), kid: KEY_ID }] };
  return {
    signals: { issuer: ISSUER, audience: AUDIENCE, keys },
    sign: (typ, jti, claims) =>
      new SignJWT({ ...claims, jti })
        .setProtectedHeader({ alg: 'ES256', kid: KEY_ID, typ })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .sign(privateKey),
  };
}

/** Claims of the event that all sessions of a user were revoked. */
export const sessionsRevoked = (sub) => ({
  sub_id: { format: 'iss_sub', iss: ISSUER, sub },
  events: { 'https://schemas.openid.net/secevent/caep/event-type/session-revoked': {} },
});

/** A stream of events to poll (RFC 8936). An event is sent again until it is acknowledged. */
export async function startStream({ sign }) {
  const pending = new Map();
  const stream = { requests: 0, sent: 0, acknowledged: 0, errors: [], pending, onSent: () => {} };
  let wake = () => {};
  const server = createServer(async (req, res) => {
    const { ack = [], setErrs = {}, maxEvents, returnImmediately } = JSON.parse(await text(req));
    stream.requests++;
    for (const jti of ack) if (pending.delete(jti)) stream.acknowledged++;
    stream.errors.push(...Object.values(setErrs).map(({ err }) => err));
    for (const jti of Object.keys(setErrs)) pending.delete(jti);
    if (pending.size === 0 && !returnImmediately) {
      await new Promise((resolve) => {
        wake = resolve;
        res.once('close', resolve);
      });
    }
    if (res.destroyed) return;
    const sets = Object.fromEntries([...pending].slice(0, maxEvents));
    stream.sent += Object.keys(sets).length;
    res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sets }));
    if (Object.keys(sets).length > 0) stream.onSent();
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return Object.assign(stream, {
    url: `http://127.0.0.1:${server.address().port}`,
    async add(sub) {
      const jti = randomUUID();
      pending.set(jti, await sign('secevent+jwt', jti, sessionsRevoked(sub)));
      wake();
    },
    stop() {
      server.close();
      server.closeAllConnections();
    },
  });
}
