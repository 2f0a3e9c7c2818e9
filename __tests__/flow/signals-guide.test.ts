import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, startChild } from '../support/child.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { freePort } from '../support/free-port.js';
import { page } from '../support/pages.js';
import { eventually } from '../support/redis-fleet.js';
import { bearerClaims, eventClaims, logoutClaims } from '../support/signals.js';
import { createTransmitter, POLL_TOKEN } from '../support/transmitter.js';

const PATIENCE_MS = 60_000;
const API = 'https://api.example.com';
const BLOCKS = [...page('docs/signals.md').matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(([, code]) => code as string);

/** The only example that contains this text. */
function example(text: string): string {
  const [found, another] = BLOCKS.filter((code) => code.includes(text));
  if (found === undefined || another !== undefined) throw new Error(`not exactly one example contains ${text}`);
  return found;
}

/** Runs an example of the guide, with the addresses of stand-ins. */
async function run(code: string) {
  const transmitter = await createTransmitter('ES256', '/.well-known/openid-configuration');
  const endpoint = await createEndpoint(active({ sub: 'user-1', aud: API }));
  const port = await freePort();
  const script = code
    .replace(/https:\/\/\w+\.example\.com\/oauth2\/introspect/, endpoint.url)
    .replaceAll(/https:\/\/(?:as|idp)\.example\.com/g, transmitter.issuer)
    .replace('/ssf/poll', '/poll')
    .replace('listen(3000)', `listen(${port})`);
  const folder = join(ROOT, '__tests__/.generated/signals-guide');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'app.mjs'), script);
  const child = startChild(join(folder, 'app.mjs'), [], {
    CLIENT_SECRET: 'secret',
    TRANSMITTER_TOKEN: POLL_TOKEN,
  });
  const url = `http://127.0.0.1:${port}`;
  const post = async (path: string, headers: Record<string, string>, body: string) =>
    (await fetch(url + path, { method: 'POST', headers, body })).status;
  /** The number of introspection requests that a call of the API causes. */
  const call = async () => {
    const before = endpoint.asked.length;
    await fetch(`${url}/api`, { headers: { authorization: 'Bearer token' } });
    return endpoint.asked.length - before;
  };
  const listening = () =>
    eventually(
      async () =>
        fetch(url).then(
          () => true,
          () => false,
        ),
      20_000,
    );
  return { transmitter, child, post, call, listening };
}

const seconds = () => Math.floor(Date.now() / 1000);

describe('the guide of signals', () => {
  afterAll(() => rmSync(join(ROOT, '__tests__/.generated/signals-guide'), { recursive: true, force: true }));

  const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
  const SET = { 'content-type': 'application/secevent+jwt' };
  const subject = (iss: string) => ({ sub_id: { format: 'iss_sub', iss, sub: 'user-1' } });

  type Send = (app: Awaited<ReturnType<typeof run>>) => Promise<number>;
  const CASES: readonly (readonly [handler: string, status: number, send: Send])[] = [
    [
      'backChannelLogout(',
      200,
      async ({ transmitter: { issuer: iss, sign }, post }) => {
        const jwt = await sign({ typ: 'logout+jwt' }, logoutClaims(seconds(), { iss, sub: 'user-1' }));
        return post('/backchannel-logout', FORM, `logout_token=${jwt}`);
      },
    ],
    [
      'securityEvents(',
      202,
      async ({ transmitter: { issuer: iss, sign }, post }) => {
        const jwt = await sign({ typ: 'secevent+jwt' }, eventClaims(seconds(), { iss, aud: API, ...subject(iss) }));
        return post('/security-events', SET, jwt);
      },
    ],
    [
      'globalTokenRevocation(',
      204,
      async ({ transmitter: { issuer: iss, sign }, post }) => {
        const claims = bearerClaims(seconds(), { iss, aud: `${API}/global-token-revocation` });
        const jwt = await sign({ typ: 'global-token-revocation+jwt' }, claims);
        const headers = { authorization: `Bearer ${jwt}`, 'content-type': 'application/json' };
        const body = { sub_id: { format: 'email', email: 'alice@example.com' } };
        return post('/global-token-revocation', headers, JSON.stringify(body));
      },
    ],
  ];

  it.each(CASES)(
    'has an example of %s) that invalidates cached responses as printed',
    async (handler, status, send) => {
      const app = await run(example(`  ${handler}{`));
      await app.listening();
      expect([await app.call(), await app.call()]).toEqual([1, 0]);
      expect(await send(app)).toBe(status);
      expect(await app.call()).toBe(1);
      app.child.process.kill('SIGKILL');
    },
    PATIENCE_MS,
  );

  it(
    'has an example of polling that acknowledges events, and ends at SIGTERM',
    async () => {
      const { transmitter, child } = await run(example('pollSecurityEvents({'));
      const { issuer: iss, stream, sign } = transmitter;
      await eventually(async () => stream.requests.length > 0, 20_000);
      const claims = eventClaims(seconds(), { iss, aud: API, ...subject(iss) });
      stream.add(claims.jti, await sign({ typ: 'secevent+jwt' }, claims));
      await eventually(async () => stream.acknowledged.length === 1);
      child.process.kill('SIGTERM');
      expect(await child.exit).toBe(0);
      expect(stream.violations).toEqual([]);
    },
    PATIENCE_MS,
  );
});
