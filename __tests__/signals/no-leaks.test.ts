import { inspect } from 'node:util';
import {
  backChannelLogout,
  globalTokenRevocation,
  pollSecurityEvents,
  type SignalHandler,
  securityEvents,
} from '../../lib/signals/index.js';
import { recordEvents } from '../support/channels.js';
import {
  bearerClaims,
  CAEP,
  createRecorder,
  eventClaims,
  logoutClaims,
  postEvent,
  postLogout,
  postRevocation,
} from '../support/signals.js';
import { createIssuerKey, createTransmitter, POLL_TOKEN, signToken } from '../support/transmitter.js';
import { until } from '../support/until.js';

/** Part of every value that a sender writes: issuer, subject, identifiers, kinds of events and header parameters. */
const MARK = 'LEAK';
const KEY = createIssuerKey();
const ISSUER = `https://${MARK}.example.com`;
const ENDPOINT = `https://api.example.com/${MARK}`;

const seconds = () => Math.floor(Date.now() / 1000);
const common = () => ({ iss: ISSUER, aud: ENDPOINT, jti: `${MARK}-${Math.random()}` });
const options = (invalidate: () => Promise<void> = async () => {}) => ({
  authenticate: createRecorder(invalidate),
  ...{ issuer: ISSUER, audience: ENDPOINT, keys: KEY.publicKey },
});
const sub_id = { format: 'iss_sub', iss: ISSUER, sub: MARK };
const failing = () => Promise.reject(new Error(MARK));

const sign = (typ: string, claims: object) => signToken(KEY, { typ }, claims);
const logout = (more: object = {}) =>
  sign('logout+jwt', logoutClaims(seconds(), { ...common(), sub: MARK, sid: MARK, ...more }));
const event = (more: object = {}) => sign('secevent+jwt', eventClaims(seconds(), { ...common(), sub_id, ...more }));
const bearer = (more: object = {}) =>
  sign('global-token-revocation+jwt', bearerClaims(seconds(), { ...common(), ...more }));

type Row = readonly [
  name: string,
  handler: () => SignalHandler,
  send: typeof postLogout,
  token: () => Promise<string>,
  status: number,
];

const revokeMark: typeof postLogout = (listener, token) => postRevocation(listener, token, { sub_id });

const ROWS: readonly Row[] = [
  ['an applied logout token', () => backChannelLogout(options()), postLogout, logout, 200],
  [
    'a logout token of another issuer',
    () => backChannelLogout(options()),
    postLogout,
    () => logout({ iss: MARK }),
    400,
  ],
  ['a logout token with a nonce', () => backChannelLogout(options()), postLogout, () => logout({ nonce: MARK }), 400],
  ['a logout token that is none', () => backChannelLogout(options()), postLogout, async () => MARK, 400],
  ['a store that fails', () => backChannelLogout(options(failing)), postLogout, logout, 503],
  ['an applied event', () => securityEvents(options()), postEvent, event, 202],
  [
    'an event of an unknown kind',
    () => securityEvents(options()),
    postEvent,
    () => event({ events: { [`${CAEP}/${MARK}`]: { reason_admin: MARK } } }),
    202,
  ],
  [
    'an event about an unknown subject',
    () => securityEvents(options()),
    postEvent,
    () => event({ sub_id: { format: MARK, email: MARK } }),
    202,
  ],
  [
    'an option subject that fails',
    () => securityEvents({ ...options(), subject: failing }),
    postEvent,
    () => event({ sub_id: { format: MARK, email: MARK } }),
    500,
  ],
  ['an event for another audience', () => securityEvents(options()), postEvent, () => event({ aud: MARK }), 400],
  ['an applied revocation', () => globalTokenRevocation(options()), revokeMark, bearer, 204],
  [
    'a revocation with another audience',
    () => globalTokenRevocation(options()),
    revokeMark,
    () => bearer({ aud: MARK }),
    401,
  ],
];

it.each(ROWS)('%s reveals nothing of the sender', async (_name, create, send, token, status) => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const printed = ['log', 'error', 'warn'].map((name) => jest.spyOn(console, name as 'log').mockImplementation());
  const events = recordEvents('signal');
  const handler = create();
  const response = await send(handler, await token());
  expect(response.status).toBe(status);
  const calls = [warned, ...printed].map(({ mock }) => mock.calls);
  expect(inspect([events, response.headers, response.text, calls], { depth: 9 })).not.toContain(MARK);
  if (status !== 500) expect(events).toHaveLength(1);
  jest.restoreAllMocks();
});

it('polled events reveal nothing of the transmitter', async () => {
  const warned = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const transmitter = await createTransmitter();
  const { issuer, stream } = transmitter;
  const events = recordEvents('signal');
  stream.failures.push((res) => res.writeHead(500, MARK).end(MARK));
  const claims = { iss: issuer, aud: MARK, sub_id: { format: 'iss_sub', iss: issuer, sub: MARK } };
  for (const more of [{}, { aud: 'other' }]) {
    const { jti, ...others } = eventClaims(seconds(), { ...claims, jti: `${MARK}-${JSON.stringify(more)}`, ...more });
    stream.add(jti, await transmitter.sign({ typ: 'secevent+jwt' }, { ...others, jti }));
  }
  const polling = pollSecurityEvents({
    ...{ authenticate: createRecorder(), issuer, audience: MARK, endpoint: `${issuer}/poll`, token: POLL_TOKEN },
  });
  await until(() => stream.pending.size === 0);
  await polling.close();
  expect(events.map(({ outcome }) => outcome).sort()).toEqual(['applied', 'failed', 'rejected']);
  const descriptions = Object.values(stream.errors).map(({ description }) => description);
  expect(inspect([events, descriptions, warned.mock.calls], { depth: 9 })).not.toContain(MARK);
  jest.restoreAllMocks();
});
