import { withDeadline } from '../../lib/core/timeout.js';
import { type HttpRequest, toEndpoint } from '../../lib/introspection/http.js';
import { sendOverPool } from '../../lib/introspection/send-over-pool.js';

const REQUEST: HttpRequest = {
  endpoint: toEndpoint(new URL('https://as.example.com/introspect')),
  headers: {},
  body: 'token=abc',
};

describe('sendOverPool', () => {
  it('rejects with unreachable, without the text of the error, if the pool throws', async () => {
    const send = sendOverPool({
      dispatch() {
        throw new Error('as.example.com token=abc');
      },
    });
    const sending = withDeadline(1000, (deadline) => send(REQUEST, () => true, deadline), jest.fn());
    await expect(sending).rejects.toMatchObject({
      name: 'IntrospectionError',
      code: 'unreachable',
      message: 'Token introspection failed: no connection, or it broke before the response was complete (unreachable)',
    });
  });
});
