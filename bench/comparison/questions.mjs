/** What is asked, and how an answer is told. */
import { request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

const PATIENCE_MS = 10_000;
const A_MINUTE_MS = 61_000;

/** @param headers names and values in turn, so that one may come twice */
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
    sent.setTimeout(PATIENCE_MS, () => {
      sent.destroy();
      resolve({ status: `nothing for ${PATIENCE_MS / 1000} s`, challenge: '', headers: {} });
    });
    sent.on('error', reject);
    sent.end();
  });
}

const bearer = (token) => ['Authorization', `Bearer ${token}`];

/** A status, and the error that the challenge names. */
function told({ status, challenge, headers }) {
  const error = /error="([^"]*)"/.exec(challenge)?.[1];
  const retry = headers['retry-after'] === undefined ? '' : ', `Retry-After`';
  if (status === 401 && challenge === '') return '401, no challenge';
  return `${status}${error === undefined ? '' : ` \`${error}\``}${retry}`;
}

/** A question about one request. */
const of = (title, headersOf) => ({
  title,
  ask: async ({ server, app }) => told(await get(app, await headersOf(server))),
});

/** The same with a server in trouble, and a token that nobody has asked about before. */
const during = (title, mode) => ({
  title,
  async ask({ server, app }) {
    const token = await server.issue();
    server.behave(mode);
    return told(await get(app, bearer(token)));
  },
});

function afterRevocation(title, ms) {
  return {
    title,
    async ask({ server, app }) {
      const token = await server.issue();
      await get(app, bearer(token));
      server.revoke(token);
      await setTimeout(ms);
      return told(await get(app, bearer(token)));
    },
  };
}

export const QUESTIONS = [
  of('a good token', async (server) => bearer(await server.issue())),
  of('no credentials', () => []),
  of('another scheme', () => ['Authorization', 'Basic YTpi']),
  of('`bearer`, in lower case', async (server) => ['Authorization', `bearer ${await server.issue()}`]),
  of('a token with something behind it', async (server) => ['Authorization', `Bearer ${await server.issue()} more`]),
  of('two `Authorization` lines', async (server) => [...bearer(await server.issue()), ...bearer('other')]),
  {
    title: 'a good token in the query alone',
    ask: async ({ server, app }) => told(await get(app, [], `/?access_token=${await server.issue()}`)),
  },
  of('a token that has expired', async (server) =>
    bearer(await server.issue({ exp: Math.floor(Date.now() / 1000) - 60 })),
  ),
  of('a token for another audience', async (server) =>
    bearer(await server.issue({ aud: 'https://other.example.com' })),
  ),
  {
    title: 'a scope is missing',
    async ask({ server, app }) {
      if (!app.hasGuard) return 'own code';
      const answer = await get(app, bearer(await server.issue()), '/guarded');
      return `${told(answer)}${/scope="/.test(answer.challenge) ? ', named' : ''}`;
    },
  },
  of('a token that was revoked before it was used', async (server) => {
    const token = await server.issue();
    server.revoke(token);
    return bearer(token);
  }),
  afterRevocation('a token that was revoked just now, after it was used', 0),
  afterRevocation('a token that was revoked a minute ago, after it was used', A_MINUTE_MS),
  during('the authorization server answers 500', 'fails'),
  during('it answers a web page', 'html'),
  during('it refuses our own credentials', 'refuses us'),
  during('it does not answer', 'hangs'),
  {
    title: 'calls for 100 requests with one token, one after another',
    async ask({ server, app }) {
      const token = await server.issue();
      for (let i = 0; i < 100; i++) await get(app, bearer(token));
      return String(server.calls());
    },
  },
  {
    title: 'calls for 100 requests with one token, all at once',
    async ask({ server, app }) {
      const token = await server.issue();
      await Promise.all(Array.from({ length: 100 }, () => get(app, bearer(token))));
      return String(server.calls());
    },
  },
];
