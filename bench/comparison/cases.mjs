/** Cases of the comparison. Each describes the response of an app in a few words. */
import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const GIVE_UP_MS = 10_000;
const MINUTE_MS = 61_000;
const OWN_CODE = 'own code';

/** @param headers names and values in turn, so that a header can occur twice */
function get({ port }, headers = [], path = '/') {
  return new Promise((resolve, reject) => {
    const sent = request(
      { port, host: '127.0.0.1', path, headers: ['Host', 'localhost', ...headers], agent: false },
      (res) => {
        res.resume();
        res.on('end', () =>
          resolve({ status: res.statusCode, challenge: res.headers['www-authenticate'] ?? '', headers: res.headers }),
        );
      },
    );
    sent.setTimeout(GIVE_UP_MS, () => {
      sent.destroy();
      resolve({ status: `no response for ${GIVE_UP_MS / 1000} s`, challenge: '', headers: {} });
    });
    sent.on('error', reject);
    sent.end();
  });
}

const bearer = (token) => ['Authorization', `Bearer ${token}`];

/** The status, the error code of the challenge, and whether there is a `Retry-After`. */
function describe({ status, challenge, headers }) {
  const error = /error="([^"]*)"/.exec(challenge)?.[1];
  const retry = headers['retry-after'] === undefined ? '' : ', `Retry-After`';
  if (status === 401 && challenge === '') return '401, no challenge';
  return `${status}${error === undefined ? '' : ` \`${error}\``}${retry}`;
}

/** A case of one request. */
const oneRequest = (title, headersOf) => ({
  title,
  run: async ({ server, app }) => describe(await get(app, await headersOf(server))),
});

/** A case of one request with a new token, while the authorization server fails in this way. */
const duringOutage = (title, mode) => ({
  title,
  async run({ server, app }) {
    const token = await server.issue();
    server.setMode(mode);
    return describe(await get(app, bearer(token)));
  },
});

/** A case for one guard. Without a guard, the app decides. */
function guarded(title, hasGuard, path) {
  return {
    title,
    async run({ server, app }) {
      if (!hasGuard(app)) return OWN_CODE;
      const response = await get(app, bearer(await server.issue()), path);
      return `${describe(response)}${/scope="/.test(response.challenge) ? ', named' : ''}`;
    },
  };
}

/** The token is in use when it is revoked. The server notifies one app, if the package receives notifications. The other app gets the token again. */
async function revokeInUse(token, server, told, asked) {
  await Promise.all([get(told, bearer(token)), get(asked, bearer(token))]);
  server.revoke(token);
  await told.notify?.(token);
  return describe(await get(asked, bearer(token)));
}

/** An event stream begins with a token. Then its token ends in this way. Says whether the stream is open after this time. */
function streamAfter(title, ms, { claims = () => ({}), end = () => {} }) {
  return {
    title,
    async run({ server, app }) {
      const token = await server.issue(claims());
      const stream = await openStream(app, token);
      end(server, token);
      await Promise.race([stream.ended, setTimeout(ms, undefined, { ref: false })]);
      return stream.close();
    },
  };
}

function openStream({ port }, token) {
  return new Promise((resolve, reject) => {
    const sent = request({
      port,
      host: '127.0.0.1',
      path: '/stream',
      headers: ['Host', 'localhost', ...bearer(token)],
    });
    sent.on('error', reject);
    sent.on('response', (res) => {
      let state = 'open';
      const ended = new Promise((end) => {
        res.on('error', () => {});
        res.resume().on('close', () => {
          state = 'ended';
          end();
        });
      });
      const close = () => {
        const last = state;
        sent.destroy();
        return last;
      };
      resolve({ ended, close });
    });
    sent.end();
  });
}

function afterRevocation(title, ms) {
  return {
    title,
    async run({ server, app }) {
      const token = await server.issue();
      await get(app, bearer(token));
      server.revoke(token);
      await setTimeout(ms);
      return describe(await get(app, bearer(token)));
    },
  };
}

export const CASES = [
  oneRequest('a valid token', async (server) => bearer(await server.issue())),
  oneRequest('no credentials', () => []),
  oneRequest('another scheme', () => ['Authorization', 'Basic YTpi']),
  oneRequest('`bearer`, in lower case', async (server) => ['Authorization', `bearer ${await server.issue()}`]),
  oneRequest('a token followed by another word', async (server) => [
    'Authorization',
    `Bearer ${await server.issue()} more`,
  ]),
  oneRequest('two `Authorization` headers', async (server) => [...bearer(await server.issue()), ...bearer('other')]),
  {
    title: 'a valid token only in the query',
    run: async ({ server, app }) => describe(await get(app, [], `/?access_token=${await server.issue()}`)),
  },
  oneRequest('an expired token', async (server) =>
    bearer(await server.issue({ exp: Math.floor(Date.now() / 1000) - 60 })),
  ),
  oneRequest('a token for another audience', async (server) =>
    bearer(await server.issue({ aud: 'https://other.example.com' })),
  ),
  guarded('a token without the required scope', ({ hasScopeGuard }) => hasScopeGuard, '/scope'),
  guarded('a token without the required role', ({ hasRoleGuard }) => hasRoleGuard, '/role'),
  oneRequest('a token that was revoked before its first use', async (server) => {
    const token = await server.issue();
    server.revoke(token);
    return bearer(token);
  }),
  afterRevocation('a token that was revoked just now, after its first use', 0),
  afterRevocation('a token that was revoked a minute ago, after its first use', MINUTE_MS),
  streamAfter('an event stream, a second after its token expired', 4_000, {
    claims: () => ({ exp: Math.floor(Date.now() / 1000) + 3 }),
  }),
  streamAfter('an event stream, a minute after its token was revoked', MINUTE_MS, {
    end: (server, token) => server.revoke(token),
  }),
  {
    title: 'a token in use was revoked, and the authorization server notified this process',
    async run({ server, start }) {
      const app = await start();
      const answer = app.notify === undefined ? OWN_CODE : await revokeInUse(await server.issue(), server, app, app);
      await app.close();
      return answer;
    },
  },
  {
    title: 'a token in use was revoked, and the authorization server notified another process',
    async run({ server, start }) {
      const [told, asked] = [await start({ isFleet: true }), await start({ isFleet: true })];
      const answer = await revokeInUse(await server.issue(), server, told, asked);
      await Promise.all([told.close(), asked.close()]);
      return answer;
    },
  },
  duringOutage('the authorization server responds with 500', 'fails'),
  duringOutage('the authorization server responds with an HTML page', 'html'),
  duringOutage('the authorization server rejects the API’s client credentials', 'rejects client'),
  duringOutage('the authorization server does not respond', 'hangs'),
  {
    title: 'introspection requests for 100 API requests with one token, one after another',
    async run({ server, app }) {
      const token = await server.issue();
      for (let i = 0; i < 100; i++) await get(app, bearer(token));
      return String(server.calls());
    },
  },
  {
    title: 'introspection requests for 100 API requests with one token, all at once',
    async run({ server, app }) {
      const token = await server.issue();
      await Promise.all(Array.from({ length: 100 }, () => get(app, bearer(token))));
      return String(server.calls());
    },
  },
];
