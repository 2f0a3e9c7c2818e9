import { randomUUID } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import request from 'supertest';
import type { Invalidation } from '../../lib/index.js';

export const ISSUER = 'https://idp.example.com';
export const CLIENT = 'reports-frontend';
export const ENDPOINT = 'https://api.example.com/global-token-revocation';
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout';
export const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
export const RISC = 'https://schemas.openid.net/secevent/risc/event-type';
export const SSF = 'https://schemas.openid.net/secevent/ssf/event-type';

/** A middleware that remembers what was invalidated. */
export function createRecorder(outcome: () => Promise<void> = async () => {}) {
  const invalidated: Invalidation[] = [];
  return {
    invalidated,
    invalidate(target: Invalidation) {
      invalidated.push(target);
      return outcome();
    },
  };
}

export const logoutClaims = (seconds: number, more: object = {}) => ({
  ...{ iss: ISSUER, aud: CLIENT, iat: seconds, exp: seconds + 120, jti: randomUUID() },
  ...{ events: { [LOGOUT_EVENT]: {} }, sub: 'alice', sid: 'session-1' },
  ...more,
});

export const eventClaims = (seconds: number, more: object = {}) => ({
  ...{ iss: ISSUER, aud: CLIENT, iat: seconds, jti: randomUUID() },
  ...{ sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'alice' }, events: { [`${CAEP}/session-revoked`]: {} } },
  ...more,
});

export const bearerClaims = (seconds: number, more: object = {}) => ({
  ...{ iss: ISSUER, sub: 'caller', aud: ENDPOINT, iat: seconds, exp: seconds + 300, jti: randomUUID() },
  ...more,
});

type Response = Promise<request.Response>;

/** Longest wait for a response. A handler that never responds fails the test with an error that says so. */
const MAX_WAIT_MS = 10_000;

const post = (listener: RequestListener) => request(createServer(listener)).post('/').timeout(MAX_WAIT_MS);

export function postLogout(listener: RequestListener, token: string): Response {
  return post(listener).type('form').send({ logout_token: token }).then();
}

export function postEvent(listener: RequestListener, token: string): Response {
  return post(listener).set('Content-Type', 'application/secevent+jwt').send(token).then();
}

export function postRevocation(listener: RequestListener, token: string, body: object = SUBJECT): Response {
  return post(listener).set('Authorization', `Bearer ${token}`).send(body).then();
}

export const SUBJECT = { sub_id: { format: 'iss_sub', iss: ISSUER, sub: 'alice' } };
