import type { IncomingMessage, ServerResponse } from 'node:http';
import fc from 'fast-check';
import { endWithToken } from '../../lib/streams/index.js';
import { createAuthenticate } from '../support/api.js';
import { active, createEndpoint } from '../support/endpoint.js';
import { serve } from '../support/serve.js';
import { openStream } from '../support/streams.js';

/** Steps of a handler. The token ends between the first and the second list of steps. */
const STEPS = ['head', 'write', 'flush', 'end'] as const;

const LAST_EVENT = 'data: last\n\n';

const ON_END: Record<string, ((res: ServerResponse) => unknown) | undefined> = {
  none: undefined,
  nothing: () => {},
  writes: (res) => res.write('from onEnd'),
  ends: (res) => res.end('from onEnd'),
  throws: () => JSON.parse('{'),
};

const PLANS = fc.record({
  type: fc.constantFrom('text/event-stream', 'Text/Event-Stream; charset=utf-8', 'text/csv', undefined),
  before: fc.array(fc.constantFrom('head', 'write', 'flush'), { maxLength: 4 }),
  after: fc.array(fc.constantFrom(...STEPS), { maxLength: 4 }),
  hasLastEvent: fc.boolean(),
  onEnd: fc.constantFrom(...Object.keys(ON_END)),
  isCalledLate: fc.boolean(),
});

type Plan = typeof PLANS extends fc.Arbitrary<infer Value> ? Value : never;

/** Runs one step. A handler may do what Node forbids, such as writing the headers twice: that is an error of the handler itself. */
async function take(step: (typeof STEPS)[number], res: ServerResponse, type: string | undefined, text: string) {
  try {
    if (step === 'head') res.writeHead(200, type === undefined ? {} : { 'Content-Type': type });
    if (step === 'write') res.write(text);
    if (step === 'flush') await new Promise((resolve) => setImmediate(resolve));
    if (step === 'end') res.end(text);
  } catch {
    // The handler gets this error itself.
  }
}

it('whatever a handler does and whenever its token ends, the response ends and holds nothing written later', async () => {
  const authenticate = createAuthenticate(await createEndpoint(active()));
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => {});
  let plan: Plan;
  const handle = async (req: IncomingMessage, res: ServerResponse) => {
    const { type, before, after, hasLastEvent, onEnd, isCalledLate } = plan;
    const end = ON_END[onEnd];
    const options = {
      ...(hasLastEvent && { lastEvent: LAST_EVENT }),
      ...(end !== undefined && { onEnd: () => end(res) }),
    };
    // A handler that does not look at the result goes on writing.
    if (!isCalledLate) endWithToken(req, res, options);
    for (const step of before) await take(step, res, type, 'before');
    const invalidated = authenticate.invalidate({ token: 'abc' });
    if (isCalledLate) endWithToken(req, res, options);
    for (const step of after) await take(step, res, type, 'AFTER');
    await invalidated;
  };
  const { url } = await serve((req, res) => authenticate(req, res, () => void handle(req, res)));
  await fc.assert(
    fc.asyncProperty(PLANS, async (drawn) => {
      plan = drawn;
      const stream = await openStream(url).catch(() => undefined);
      if (stream === undefined) return;
      const end = await stream.end;
      // The app's own `onEnd` decides what else is written.
      if (drawn.onEnd !== 'none') return;
      expect(stream.text()).not.toContain('AFTER');
      const hasBegun = drawn.before.some((step) => step !== 'flush');
      const isEventStream =
        drawn.before.find((step) => step !== 'flush') === 'head' && /stream/i.test(String(drawn.type));
      // Node does not tell the headers that were passed to `writeHead()` before the call. Then `lastEvent` shows that it is an event stream.
      const isKnown = !drawn.isCalledLate || drawn.hasLastEvent;
      if (isEventStream && isKnown && drawn.before.includes('write')) {
        const written = drawn.before.filter((step) => step === 'write').map(() => 'before');
        expect([end, stream.text()]).toEqual(['end', `${written.join('')}${drawn.hasLastEvent ? LAST_EVENT : ''}`]);
      }
      if (!hasBegun) expect([end, stream.status]).toEqual(['end', 401]);
    }),
    { numRuns: 150 },
  );
  warn.mockRestore();
}, 60_000);
