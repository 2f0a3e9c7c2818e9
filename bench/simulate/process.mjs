// One process: the middleware of the built library, with three routes. Its dispatcher and its store are simulated.
import { runIn } from '../model/machine.mjs';
import { createMachine } from './machine.mjs';
import { connectStore } from './store-link.mjs';

const SECRET = 's'.repeat(32);
const SECOND = 1000;

/**
 * Starts a process.
 *
 * @param generation how often this process has been started before
 */
export async function startProcess(world, index, generation) {
  const { library, plan, events, time, random, note, rules } = world;
  const { options } = plan;
  const name = `P${index + 1}`;
  const machine = createMachine({
    name: `${name}.${generation}`,
    events,
    time,
    random,
    offsetMs: plan.offsetsMs[index],
  });
  rules.started(machine, index);
  let api;
  let routes;

  await runIn(machine, () => {
    const { tokenIntrospection, requireFresh, requireScope, clientSecretBasic } = library;
    api = tokenIntrospection({
      endpoint: 'https://as.example.com/introspect',
      audience: options.audience,
      clientAuth: clientSecretBasic('api', 'secret'),
      timeoutMs: options.timeoutMs,
      clockToleranceSeconds: options.toleranceMs / SECOND,
      dispatcher: world.network.connect(machine, index),
      precheck: options.hasPrecheck ? rejectForged : undefined,
      cache: {
        ttlSeconds: options.ttlMs / SECOND,
        inactiveTtlSeconds: options.inactiveTtlMs / SECOND,
        staleIfErrorSeconds: options.staleMs / SECOND,
        refreshAhead: options.refreshAhead,
        maxEntries: options.maxEntries,
        ...(options.hasStore && { store: connect(), secrets: [SECRET] }),
      },
    });
    routes = { any: [api], scope: [api, requireScope('write')], fresh: [api, requireFresh({ maxAgeSeconds: 0 })] };
  });

  function connect() {
    const fault = () => world.storeFaults[index];
    const slowMs = options.timeoutMs / 2;
    return connectStore({ ...world, machine, fault, slowMs });
  }

  function rejectForged(token) {
    if (token.startsWith('forged')) throw new library.AuthError('invalid_jwt');
  }

  /** Handles a request. Its middlewares run one after the other, as Express runs them. */
  function handle({ token, route, isRequired = false }) {
    const observed = rules.arrived(machine, { token, route, isRequired });
    const req = { method: 'GET', url: `/${route}`, headers: { authorization: `Bearer ${token}` } };
    const respond = (outcome) => rules.responded(observed, outcome);
    const res = createResponse((status) => respond({ status }));
    const chain = [...routes[route]];

    function next(error) {
      if (error !== undefined) {
        respond({
          status: error.status ?? 500,
          code: error.code ?? error.message,
          retryAfter: error.headers?.['Retry-After'],
        });
        return;
      }
      const handler = chain.shift();
      if (handler !== undefined) handler(req, res, next);
      else respond({ status: 200, call: req.auth.call, stale: library.getAuthDetails(req).stale });
    }
    next();
  }

  function invalidate(target) {
    const [kind, value] = target.split(' ');
    rules.invalidated(machine, target);
    note(`${machine.name} invalidates ${target}`);
    api.invalidate({ [kind]: value }).then(
      () => rules.invalidationStored(target),
      () => note(`${machine.name}: invalidate() rejects`),
    );
  }

  return {
    machine,
    index,
    generation,
    stats: () => api.stats(),
    handle: (request) => events.add(time(), machine, () => handle(request)),
    invalidate: (target) => events.add(time(), machine, () => invalidate(target)),
    close(onClosed) {
      events.add(time(), machine, () => api.close().then(onClosed));
    },
  };
}

/** Creates the parts of a response that middlewares use. */
function createResponse(onEnd) {
  const headers = new Map();
  return {
    statusCode: 200,
    headersSent: false,
    writableEnded: false,
    getHeader: (name) => headers.get(name.toLowerCase()),
    setHeader: (name, value) => void headers.set(name.toLowerCase(), value),
    removeHeader: (name) => void headers.delete(name.toLowerCase()),
    end() {
      this.headersSent = true;
      this.writableEnded = true;
      onEnd(this.statusCode);
    },
  };
}
