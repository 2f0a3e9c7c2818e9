import express from 'express';
import express4 from 'express4';
import type { ProbeReport } from '../../../lib/cli/probe/run-cases.js';
import { requireScope } from '../../../lib/index.js';
import { protectedResourceMetadata } from '../../../lib/metadata/index.js';
import { createAuthenticate } from '../../support/api.js';
import { runCommand } from '../../support/command.js';
import { active, createEndpoint } from '../../support/endpoint.js';
import { serve } from '../../support/serve.js';

const TOKEN = 'mF_9.B5f-4.1JqMx';
const NARROW_TOKEN = 'narrow-2YotnFZFEjr1zCsi';

/** CORS as the docs recommend it: before the middleware, for every response. */
const cors: express.RequestHandler = (req, res, next) => {
  res.set({ 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': 'WWW-Authenticate' });
  if (req.method !== 'OPTIONS') return next();
  return void res.set('Access-Control-Allow-Headers', 'Authorization').status(204).end();
};

async function serveApi(create: () => express.Express, isComplete: boolean, isDpopRequired = false): Promise<string> {
  let app: express.Express | undefined;
  const { url } = await serve((req, res) => app?.(req as express.Request, res as express.Response));
  const resource = `${url}/reports`;
  const endpoint = await createEndpoint(({ form }) => {
    const scope = new Map([
      [TOKEN, 'reports:read'],
      [NARROW_TOKEN, 'other'],
    ]).get(form.get('token') ?? '');
    return scope === undefined ? { active: false } : active({ scope, aud: resource });
  });
  const authenticate = createAuthenticate(endpoint, {
    audience: resource,
    ...(isComplete && { dpop: { origin: url, required: isDpopRequired }, resourceMetadata: true }),
  });
  app = create();
  app.set('env', 'production');
  if (isComplete) {
    app.use(cors, protectedResourceMetadata(authenticate, { authorization_servers: ['https://as.example.com'] }));
  }
  app.get('/reports', authenticate, requireScope('reports:read'), (_req, res) => void res.json({ reports: [] }));
  return resource;
}

describe.each([
  ['Express 5', express],
  ['Express 4', express4 as unknown as typeof express],
])('an API with the library and %s', (_, create) => {
  async function probe(isComplete: boolean, isDpopRequired = false) {
    const words = ['probe', await serveApi(create, isComplete, isDpopRequired), '--token-stdin', '--json'];
    const { code, out } = await runCommand(words, { stdin: `${TOKEN}\n${NARROW_TOKEN}` });
    return { code, cases: (JSON.parse(out) as ProbeReport).cases };
  }

  it('passes every case, with CORS, metadata and DPoP', async () => {
    const { code, cases } = await probe(true);
    expect(cases.filter(({ outcome }) => outcome !== 'ok')).toEqual([]);
    expect(code).toBe(0);
  });

  it('passes with default options, and cases about what is not offered are skipped', async () => {
    const { code, cases } = await probe(false);
    expect(cases.filter(({ outcome }) => outcome === 'differs')).toEqual([]);
    const skipped = cases.filter(({ outcome }) => outcome === 'skipped').map(({ group }) => group);
    expect(new Set(skipped)).toEqual(new Set(['Browsers', 'Metadata', 'DPoP']));
    expect(code).toBe(0);
  });

  it('passes with dpop.required, and cases that need a plain token are skipped', async () => {
    const { code, cases } = await probe(true, true);
    expect(cases.filter(({ outcome }) => outcome === 'differs')).toEqual([]);
    expect(cases.find(({ id }) => id === 'token')?.saw).toContain('DPoP');
    expect(code).toBe(0);
  });
});
