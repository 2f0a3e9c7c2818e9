import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { active, createEndpoint } from '../support/endpoint.js';
import { removeGuides, startGuide } from '../support/frameworks.js';
import { until } from '../support/until.js';

afterAll(removeGuides);

async function start() {
  const endpoint = await createEndpoint(({ form }) => {
    const token = form.get('token');
    if (token === 'bad') return { active: false };
    const exp = Math.floor(Date.now() / 1000) + (token === 'brief' ? 2 : 3600);
    return active({ aud: 'https://api.example.com', exp });
  });
  const { url } = await startGuide('GraphQL subscriptions', endpoint.url, 'docs/websockets.md');
  return (token: string) => {
    const received: unknown[] = [];
    const closed: unknown[] = [];
    const client = createClient({
      url: `${url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      connectionParams: { token },
      retryAttempts: 0,
      on: { closed: (event) => closed.push([(event as CloseEvent).code, (event as CloseEvent).reason]) },
    });
    const ended = new Promise<void>((resolve) => {
      client.subscribe(
        { query: 'subscription { greetings }' },
        { next: ({ data }) => received.push(data), error: () => resolve(), complete: resolve },
      );
    });
    return { received, closed, ended, dispose: () => client.dispose() };
  };
}

interface CloseEvent {
  readonly code: number;
  readonly reason: string;
}

it('graphql-ws subscriptions of the guide end with their token', async () => {
  const subscribe = await start();
  const [brief, other, bad] = [subscribe('brief'), subscribe('good'), subscribe('bad')];
  await Promise.all([brief.ended, bad.ended]);
  expect(brief.received[0]).toEqual({ greetings: 'hello alice' });
  expect([brief.closed, bad.closed]).toEqual([[[1008, 'invalid_token']], [[4403, 'Forbidden']]]);
  expect(bad.received).toEqual([]);
  const before = other.received.length;
  await until(() => other.received.length > before);
  expect(other.closed).toEqual([]);
  await other.dispose();
}, 30_000);
