import { generateKeyPairSync } from 'node:crypto';
import { clientAssertion } from '../../lib/index.js';
import { createAuthenticate } from '../support/api.js';
import { issueAssertion } from '../support/assertion.js';
import { active, createEndpoint, json } from '../support/endpoint.js';
import { createProjectedVolume } from '../support/projected-volume.js';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ROTATIONS = 40;
const CONCURRENT = 25;

/** An endpoint that accepts the assertion of the cluster for `sub`, except those that are older than the last two. */
async function createStrictEndpoint(isCurrent: (assertion: string) => boolean) {
  const { jwtVerify } = await import('jose');
  return createEndpoint(async ({ form }, res) => {
    const assertion = form.get('client_assertion') ?? '';
    const isSigned = await jwtVerify(assertion, publicKey, { issuer: 'reports-api', audience: 'as' }).catch(
      () => undefined,
    );
    if (isSigned !== undefined && isCurrent(assertion)) return active();
    return json(res, { error: 'invalid_client' }, 401);
  });
}

describe('clientAssertion with a file that a kubelet rotates', () => {
  it('fails no call while requests are pending during every rotation', async () => {
    const volume = createProjectedVolume();
    const issued: string[] = [];
    const rotate = async () => {
      const assertion = await issueAssertion(privateKey, { sub: 'reports-api', audience: 'as' });
      issued.push(assertion);
      volume.write(assertion);
    };
    await rotate();
    const endpoint = await createStrictEndpoint((assertion) => issued.slice(-2).includes(assertion));
    const authenticate = createAuthenticate(endpoint, {
      clientAuth: clientAssertion({ clientId: 'reports-api', assertion: volume.path }),
      cache: false,
    });
    const outcomes: Promise<object>[] = [];
    for (let rotation = 0; rotation < ROTATIONS; rotation++) {
      const calls = Array.from({ length: CONCURRENT }, () => authenticate.introspect('token'));
      outcomes.push(...calls);
      await calls[0];
      await rotate();
    }
    const settled = await Promise.allSettled(outcomes);
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
    const used = new Set(endpoint.asked.map(({ form }) => form.get('client_assertion')));
    expect(used.size).toBeGreaterThan(ROTATIONS / 2);
  });

  it('answers 200 with one more call when the endpoint rejects an assertion that was replaced meanwhile', async () => {
    const volume = createProjectedVolume();
    const [first, second] = (await Promise.all(
      ['as', 'as'].map((audience) => issueAssertion(privateKey, { sub: 'reports-api', audience })),
    )) as [string, string];
    volume.write(first);
    const endpoint = await createStrictEndpoint((assertion) => {
      if (assertion === first) volume.write(second);
      return assertion === second;
    });
    const clientAuth = clientAssertion({ assertion: volume.path });
    const authenticate = createAuthenticate(endpoint, { clientAuth });
    expect(await authenticate.introspect('token')).toMatchObject({ active: true });
    expect(endpoint.asked.map(({ form }) => form.get('client_assertion'))).toEqual([first, second]);
  });

  it('fails with 503 credentials_unavailable, and asks nobody, when the file is missing', async () => {
    const endpoint = await createEndpoint(active());
    const volume = createProjectedVolume();
    const authenticate = createAuthenticate(endpoint, { clientAuth: clientAssertion({ assertion: volume.path }) });
    await expect(authenticate.introspect('token')).rejects.toMatchObject({
      status: 503,
      code: 'credentials_unavailable',
      detail: 'the assertion cannot be read: token, ENOENT',
    });
    const { problem } = await authenticate.verifyConfiguration();
    expect(problem).toEqual({
      code: 'credentials_unavailable',
      detail: 'the assertion cannot be read: token, ENOENT',
      remedy:
        'The file with the assertion cannot be read. Check its path and permissions, and that the file is mounted.',
    });
    expect(endpoint.asked).toEqual([]);
  });
});
