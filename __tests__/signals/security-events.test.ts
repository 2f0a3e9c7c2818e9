import { createServer } from 'node:http';
import express from 'express';
import request from 'supertest';
import { type SecurityEventsOptions, securityEvents } from '../../lib/signals/index.js';
import { recordEvents } from '../support/channels.js';
import { createClock } from '../support/clock.js';
import { CAEP, CLIENT, createRecorder, eventClaims, ISSUER, postEvent, RISC, SSF } from '../support/signals.js';
import { createIssuerKey, signToken, toJwk } from '../support/transmitter.js';

const KEY = createIssuerKey('RS256');
const HEADER = { typ: 'secevent+jwt' };
const OTHER = 'https://other.example.com';

const clock = createClock();

function createReceiver(authenticate = createRecorder(), more: Partial<SecurityEventsOptions> = {}) {
  const options = { authenticate, issuer: ISSUER, audience: CLIENT, keys: { keys: [toJwk(KEY)] }, clock };
  return { authenticate, handler: securityEvents({ ...options, ...more }) };
}

const sign = (claims: object = {}) => signToken(KEY, HEADER, eventClaims(clock.seconds(), claims));

const event = (name: string, value: object = {}) => ({ events: { [name]: value } });
const ours = { format: 'iss_sub', iss: ISSUER, sub: 'alice' };
const opaque = (id: string) => ({ format: 'opaque', id });
const email = { format: 'email', email: 'alice@example.com' };

describe('securityEvents', () => {
  it.each([
    `${CAEP}/session-revoked`,
    `${CAEP}/token-claims-change`,
    `${CAEP}/credential-change`,
    `${CAEP}/assurance-level-change`,
    `${CAEP}/device-compliance-change`,
    `${CAEP}/risk-level-change`,
    `${RISC}/account-credential-change-required`,
    `${RISC}/account-disabled`,
    `${RISC}/account-purged`,
    `${RISC}/credential-compromise`,
    `${RISC}/identifier-changed`,
    `${RISC}/sessions-revoked`,
  ])('invalidates the tokens of the subject of %s', async (type) => {
    const { authenticate, handler } = createReceiver();
    const events = recordEvents('signal');
    const response = await postEvent(handler, await sign(event(type)));
    expect([response.status, response.text, response.headers['content-length']]).toEqual([202, '', '0']);
    expect(authenticate.invalidated).toEqual([{ sub: 'alice' }]);
    expect(events).toEqual([{ by: 'securityEvents', outcome: 'applied', event: type.split('/').at(-1) }]);
  });

  it.each([
    [`${CAEP}/session-presented`, 'session-presented'],
    [`${CAEP}/session-established`, 'session-established'],
    [`${RISC}/account-enabled`, 'account-enabled'],
    [`${SSF}/stream-updated`, 'stream-updated'],
    ['https://example.com/secret-event', 'other'],
  ])('accepts %s and does nothing', async (type, name) => {
    const { authenticate, handler } = createReceiver();
    const events = recordEvents('signal');
    expect((await postEvent(handler, await sign(event(type)))).status).toBe(202);
    expect(authenticate.invalidated).toEqual([]);
    expect(events).toEqual([{ by: 'securityEvents', outcome: 'ignored', event: name }]);
  });

  it('accepts the verification event of a stream', async () => {
    const { authenticate, handler } = createReceiver();
    const claims = { sub_id: opaque('stream-1'), ...event(`${SSF}/verification`, { state: 'x' }) };
    expect((await postEvent(handler, await sign(claims))).status).toBe(202);
    expect(authenticate.invalidated).toEqual([]);
  });

  it.each<[string, object, object[]]>([
    ['iss_sub', ours, [{ sub: 'alice' }]],
    ['opaque, a user or a session', opaque('x'), [{ sub: 'x' }, { sid: 'x' }]],
    ['jwt_id', { format: 'jwt_id', iss: ISSUER, jti: 'token-1' }, [{ jti: 'token-1' }]],
    ['aliases', { format: 'aliases', identifiers: [email, { ...ours, iss: OTHER }, ours] }, [{ sub: 'alice' }]],
    ['complex: a session', { format: 'complex', session: opaque('s') }, [{ sid: 's' }]],
    [
      'complex: a session and its user',
      { format: 'complex', session: opaque('s'), user: ours },
      [{ sid: 's' }, { sub: 'alice' }],
    ],
    ['complex: a session by iss_sub', { format: 'complex', session: { ...ours, sub: 's' } }, [{ sid: 's' }]],
    [
      'complex: a user on a device',
      { format: 'complex', device: opaque('d'), user: opaque('alice') },
      [{ sub: 'alice' }],
    ],
    [
      'complex: a user with aliases',
      { format: 'complex', user: { format: 'aliases', identifiers: [ours] } },
      [{ sub: 'alice' }],
    ],
    [
      'complex: a known user and an unknown session',
      { format: 'complex', session: email, user: ours },
      [{ sub: 'alice' }],
    ],
  ])('understands the subject %s', async (_name, sub_id, expected) => {
    const { authenticate, handler } = createReceiver();
    expect((await postEvent(handler, await sign({ sub_id }))).status).toBe(202);
    expect(authenticate.invalidated).toEqual(expected);
  });

  it('invalidates only the session of a complex subject when the scope is the session', async () => {
    const { authenticate, handler } = createReceiver(createRecorder(), { scope: 'session' });
    for (const sub_id of [
      { format: 'complex', session: opaque('s'), user: ours },
      { format: 'complex', user: ours },
    ]) {
      await postEvent(handler, await sign({ sub_id }));
    }
    expect(authenticate.invalidated).toEqual([{ sid: 's' }, { sub: 'alice' }]);
  });

  it.each<[string, object]>([
    [
      'in the event, as in earlier drafts',
      { sub_id: undefined, ...event(`${CAEP}/session-revoked`, { subject: ours }) },
    ],
    ['in both places, the same', event(`${CAEP}/session-revoked`, { subject: { ...ours } })],
    ['only as sub', { sub_id: undefined, sub: 'alice' }],
    ['also as sub', { sub: 'alice' }],
  ])('finds the subject %s', async (_name, claims) => {
    const { authenticate, handler } = createReceiver();
    expect((await postEvent(handler, await sign(claims))).status).toBe(202);
    expect(authenticate.invalidated).toEqual([{ sub: 'alice' }]);
  });

  it.each<[string, object, object]>([
    ['email', email, email],
    ['phone_number', { format: 'phone_number', phone_number: '+1' }, { format: 'phone_number', phone_number: '+1' }],
    [
      'of a draft',
      { subject_type: 'iss-sub', iss: OTHER, sub: '7' },
      { subject_type: 'iss-sub', iss: OTHER, sub: '7' },
    ],
    ['an alias', { format: 'aliases', identifiers: [email] }, email],
    ['only a device', { format: 'complex', device: opaque('d') }, { format: 'complex', device: opaque('d') }],
  ])('asks the option subject about other formats: %s', async (_name, sub_id, identifier) => {
    const subject = jest.fn(async () => ({ sub: 'user-1' }));
    const { authenticate, handler } = createReceiver(createRecorder(), { subject });
    expect((await postEvent(handler, await sign({ sub_id }))).status).toBe(202);
    expect(authenticate.invalidated).toEqual([{ sub: 'user-1' }]);
    expect(JSON.parse(JSON.stringify(subject.mock.calls))).toEqual([[identifier]]);
  });

  it('never asks the option subject about a subject of another issuer', async () => {
    const subject = jest.fn(() => ({ sub: 'user-1' }));
    const { authenticate, handler } = createReceiver(createRecorder(), { subject });
    const events = recordEvents('signal');
    expect((await postEvent(handler, await sign({ sub_id: { ...ours, iss: OTHER } }))).status).toBe(202);
    expect([subject.mock.calls, authenticate.invalidated]).toEqual([[], []]);
    expect(events).toEqual([{ by: 'securityEvents', outcome: 'foreign', event: 'session-revoked' }]);
  });

  it('accepts a subject that the option subject does not know', async () => {
    const { authenticate, handler } = createReceiver(createRecorder(), { subject: () => undefined });
    const events = recordEvents('signal');
    expect((await postEvent(handler, await sign({ sub_id: email }))).status).toBe(202);
    expect(authenticate.invalidated).toEqual([]);
    expect(events).toEqual([{ by: 'securityEvents', outcome: 'unmapped', event: 'session-revoked' }]);
  });

  it.each<[string, SecurityEventsOptions['subject']]>([
    ['fails', () => Promise.reject(new Error('hush'))],
    [
      'throws',
      () => {
        throw new Error('hush');
      },
    ],
    ['returns nothing that can be invalidated', () => ({}) as never],
    ['returns two claims', () => ({ sub: 'a', sid: 'b' })],
  ])('responds 500 when the option subject %s, so that the event is sent again', async (_name, subject) => {
    const { authenticate, handler } = createReceiver(createRecorder(), { subject });
    const events = recordEvents('signal');
    const response = await postEvent(handler, await sign({ sub_id: email }));
    expect([response.status, response.text]).toEqual([500, '{"error":"server_error"}']);
    expect([authenticate.invalidated, events]).toEqual([[], []]);
  });

  it.each([
    [{ aud: 'other' }, 'invalid_audience'],
    [{ iss: OTHER }, 'invalid_issuer'],
    [{ jti: undefined }, 'invalid_request'],
  ])('responds 400 to %j with err %s and a description', async (claims, err) => {
    const response = await postEvent(createReceiver().handler, await sign(claims));
    expect([response.status, response.body.err, response.headers['content-language']]).toEqual([400, err, 'en']);
    expect(response.body.description).toEqual(expect.any(String));
  });

  it('responds 400 with authentication_failed or invalid_key when the signature does not fit', async () => {
    const claims = eventClaims(clock.seconds());
    const stranger = createIssuerKey('RS256', KEY.kid);
    const codes = [stranger, { ...KEY, kid: 'other' }].map(async (key) => {
      const { body } = await postEvent(createReceiver().handler, await signToken(key, HEADER, claims));
      return body.err;
    });
    expect(await Promise.all(codes)).toEqual(['authentication_failed', 'invalid_key']);
  });

  it('responds 503 if the fleet was not told', async () => {
    const { handler } = createReceiver(createRecorder(() => Promise.reject(new Error('hush'))));
    const events = recordEvents('signal');
    const response = await postEvent(handler, await sign());
    expect([response.status, response.headers['retry-after']]).toEqual([503, '1']);
    expect(events).toEqual([{ by: 'securityEvents', outcome: 'failed', reason: 'not_invalidated' }]);
  });

  it('applies a repeated event once', async () => {
    const { authenticate, handler } = createReceiver();
    const token = await sign();
    for (let i = 0; i < 3; i++) expect((await postEvent(handler, token)).status).toBe(202);
    expect(authenticate.invalidated).toHaveLength(1);
  });

  it('ignores white space around the token', async () => {
    const { authenticate, handler } = createReceiver();
    expect((await postEvent(handler, `\r\n${await sign()}\n`)).status).toBe(202);
    expect(authenticate.invalidated).toHaveLength(1);
  });

  it('responds 400 to another media type', async () => {
    const { handler } = createReceiver();
    const response = await request(createServer(handler))
      .post('/')
      .type('text')
      .send(await sign());
    expect([response.status, response.body]).toEqual([
      400,
      { err: 'invalid_request', description: 'the request does not have the expected form' },
    ]);
  });

  it('accepts tokens with typ JWT and tokens without typ only with allowJwtType', async () => {
    for (const typ of ['JWT', undefined]) {
      const token = await signToken(KEY, { typ }, eventClaims(clock.seconds()));
      expect((await postEvent(createReceiver().handler, token)).status).toBe(400);
      const { handler } = createReceiver(createRecorder(), { allowJwtType: true });
      expect((await postEvent(handler, token)).status).toBe(202);
    }
  });

  it('reads a body that a parser of text or bytes has read', async () => {
    for (const parser of [express.text({ type: '*/*' }), express.raw({ type: '*/*' }), express.json()]) {
      const { authenticate, handler } = createReceiver();
      expect((await postEvent(express().use(parser, handler), await sign())).status).toBe(202);
      expect(authenticate.invalidated).toHaveLength(1);
    }
  });
});
