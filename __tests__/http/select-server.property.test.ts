import type { IncomingMessage } from 'node:http';
import fc from 'fast-check';
import { requireScope } from '../../lib/index.js';
import { createApp } from '../support/api.js';
import { type Asked, active, createEndpoint } from '../support/endpoint.js';
import { createMultiServerMiddleware, serverOptions, serversOf } from '../support/multi-server-api.js';
import { serve } from '../support/serve.js';

const NAMES = ['acme', 'beta', 'gamma'];
const TOKENS = ['t1', 't2', 't3', 't4'];

/** Responses of each server about each token. They never change. */
const verdicts = fc.array(fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), { minLength: 3, maxLength: 3 });
const steps = fc.array(
  fc.record({
    token: fc.constantFrom(...TOKENS),
    selected: fc.oneof(fc.constantFrom(...NAMES), fc.constantFrom('none', 'nobody', '__proto__')),
    /** Selection of the second middleware, which is mostly the same. */
    again: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom(...NAMES)),
    forget: fc.boolean(),
  }),
  { minLength: 1, maxLength: 25 },
);

describe('several authorization servers, for any selection and any tokens', () => {
  it('sends no token to a server that was not selected, and runs a handler only if the selected server accepts', async () => {
    let says: readonly (readonly boolean[])[] = [];
    const endpoints = await Promise.all(
      NAMES.map((name, server) =>
        createEndpoint(({ form }: Asked) => {
          const token = String(form.get('token'));
          return says[server]?.[Number(token[1]) - 1] ? active({ sub: name, jti: token }) : { active: false };
        }),
      ),
    );
    const servers = Object.fromEntries(endpoints.map((endpoint, index) => [NAMES[index], serverOptions(endpoint)]));
    const header = (req: IncomingMessage, name: string) => {
      const value = req.headers[name];
      return value === 'none' ? undefined : value;
    };
    let calls = 0;
    const authenticate = createMultiServerMiddleware(servers, {}, (req) =>
      header(req, calls++ === 0 ? 'x-first' : 'x-again'),
    );
    const app = createApp(authenticate as never, requireScope('read'), authenticate.with({ realm: 'inner' }) as never);
    const { url } = await serve(app.app);
    let ran = 0;

    await fc.assert(
      fc.asyncProperty(verdicts, steps, async (given, all) => {
        says = given;
        await Promise.all(TOKENS.map((token) => authenticate.invalidate({ token })));
        for (const endpoint of endpoints) endpoint.asked.length = 0;
        const permitted = NAMES.map(() => new Set<string | null>());
        for (const { token, selected, again = selected, forget } of all) {
          const server = NAMES.indexOf(selected);
          permitted[server]?.add(token);
          calls = 0;
          const before = app.reached();
          const headers = { authorization: `Bearer ${token}`, 'x-first': selected, 'x-again': again };
          const response = await fetch(url, { headers });
          const mayRun = given[server]?.[Number(token[1]) - 1] === true && again === selected;
          expect([response.status === 200, app.reached() > before]).toEqual([mayRun, mayRun]);
          if (mayRun) {
            ran++;
            expect(await response.json()).toMatchObject({ auth: { sub: selected, jti: token } });
          } else {
            await response.text();
          }
          if (forget) await serversOf(authenticate)[selected]?.invalidate({ token });
        }
        for (const [index, { asked }] of endpoints.entries()) {
          const seen = asked.map(({ form }) => form.get('token'));
          expect(seen.filter((token) => !permitted[index]?.has(token))).toEqual([]);
        }
      }),
      { numRuns: 60 },
    );
    expect(ran).toBeGreaterThan(10);
  }, 60_000);
});
