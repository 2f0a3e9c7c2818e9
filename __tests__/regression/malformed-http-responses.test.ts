import { createAuthenticate } from '../support/api.js';
import { createRawServer, response } from '../support/raw-server.js';

const ACTIVE = '{"active":true}';
const withHeader = (line: string) => response(ACTIVE).replace('\r\n', `\r\n${line}\r\n`);

/** Outcome of a lookup whose response has these bytes, and the number of requests it took. */
async function outcomeOf(bytes: string) {
  const server = await createRawServer(({ socket }) => void socket.write(bytes));
  const authenticate = createAuthenticate({ url: `http://127.0.0.1:${server.port}/` });
  const outcome = await authenticate.introspect('token').then(
    () => 'active',
    ({ code, detail }) => `${code}: ${detail}`,
  );
  return [outcome, server.requests.length];
}

describe('a response with the content coding', () => {
  it.each(['identity', 'Identity', 'IDENTITY', '', ' ', 'identity, identity', ',', 'identity,'])(
    '%j is accepted',
    async (coding) => {
      expect(await outcomeOf(withHeader(`Content-Encoding: ${coding}`))).toEqual(['active', 1]);
    },
  );

  it.each(['gzip', 'identity, gzip', 'identityx', 'x-identity', 'identity;q=1', 'identity gzip'])(
    '%j is rejected',
    async (coding) => {
      expect(await outcomeOf(withHeader(`Content-Encoding: ${coding}`))).toEqual(['bad_response: content coding', 1]);
    },
  );

  it('identity on one line and gzip on another is rejected', async () => {
    const bytes = withHeader('Content-Encoding: identity\r\nContent-Encoding: gzip');
    expect(await outcomeOf(bytes)).toEqual(['bad_response: content coding', 1]);
  });
});

describe('a response that violates HTTP', () => {
  it.each([
    ['an unexpected 100 Continue', `HTTP/1.1 100 Continue\r\n\r\n${response(ACTIVE)}`, 'unasked 100 Continue'],
    [
      'an unexpected protocol upgrade',
      'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n',
      'unasked 101 Switching Protocols',
    ],
    ['a header on two lines', withHeader('X-Note: a\r\n b'), 'folded header line'],
    ['another protocol', 'SSH-2.0-x\r\n', 'malformed HTTP'],
    [
      'a broken chunk',
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'malformed HTTP',
    ],
  ])('with %s is reported as such and not retried', async (_, bytes, detail) => {
    expect(await outcomeOf(bytes)).toEqual([`bad_response: ${detail}`, 1]);
  });

  it('is reported as such for the metadata too', async () => {
    const server = await createRawServer(({ socket }) => void socket.write(withHeader('X-Note: a\r\n b')));
    const authorizationServer = `http://127.0.0.1:${server.port}`;
    const authenticate = createAuthenticate({ url: '' }, { endpoint: undefined, authorizationServer });
    await expect(authenticate.introspect('token')).rejects.toMatchObject({
      code: 'discovery_failed',
      detail: 'folded header line',
    });
  });

  it('is different from one with early hints before it, which is accepted', async () => {
    expect(await outcomeOf(`HTTP/1.1 103 Early Hints\r\n\r\n${response(ACTIVE)}`)).toEqual(['active', 1]);
  });
});
