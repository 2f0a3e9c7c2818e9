import { type RunningAuthorizationServer, startAuthorizationServer } from '../support/authorization-server.js';
import { startChild } from '../support/child.js';

let as: RunningAuthorizationServer;

beforeAll(async () => {
  as = await startAuthorizationServer();
}, 30_000);

/** Runs the built command in a process of its own. */
async function check(words: readonly string[], secret: string, stdin = '') {
  const child = startChild('dist/cli/main.js', ['check', ...words], { CLIENT_SECRET: secret });
  child.process.stdin?.end(stdin);
  const code = await child.exit;
  return { code, out: child.lines.join('\n'), err: child.errorOutput() };
}

describe('check, with a running oidc-provider', () => {
  const serverOptions = () => ['--authorization-server', as.issuer, '--client-id', as.resourceServer.clientId];

  it('reports that everything works, and that the token would be accepted', async () => {
    const { access_token } = await as.issue({ scope: 'reports:read' });
    const words = [...serverOptions(), '--token', '--audience', as.audience, '--scope', 'reports:read'];
    const { code, out, err } = await check(words, as.resourceServer.clientSecret, access_token);
    expect([code, err]).toEqual([0, '']);
    expect(out).toMatch(/credentials accepted: yes[\s\S]*a request with it: +accepted[\s\S]*"sub": "alice"/);
    expect(out).not.toContain(access_token);
  });

  it('reports that a refresh token would be rejected', async () => {
    const { refresh_token } = await as.issue({ scope: 'reports:read' });
    const words = [...serverOptions(), '--token', '--audience', as.audience];
    const { code, out } = await check(words, as.resourceServer.clientSecret, refresh_token);
    expect(code).toBe(1);
    expect(out).toContain('rejected, 401 (audience_mismatch)');
  });

  it('reports a wrong secret', async () => {
    const { code, out, err } = await check(serverOptions(), 'hush-hush');
    expect([code, err]).toEqual([3, '']);
    expect(out).toContain('client_rejected (HTTP 401)\n  The endpoint does not accept the credentials of this API.');
    expect(out).not.toContain('hush-hush');
  });

  it('reports a stopped server', async () => {
    await as.stop();
    const byIssuer = await check(serverOptions(), as.resourceServer.clientSecret);
    expect([byIssuer.code, byIssuer.err]).toEqual([3, '']);
    expect(byIssuer.out).toContain('discovery_failed (ECONNREFUSED)');
    const byEndpoint = await check(['--endpoint', as.introspectionEndpoint, '--client-id', 'api'], 'secret');
    expect([byEndpoint.code, byEndpoint.err]).toEqual([3, '']);
    expect(byEndpoint.out).toContain('unreachable (ECONNREFUSED)\n  Nothing listens at this host and port.');
    await as.start();
  });
});
