// The way from the processes to the endpoint. The library sends its requests with undici's own code, which ends in this dispatcher.
import { Dispatcher } from 'undici';

const NO_CONNECTION = 'ECONNREFUSED';
const LOST_CONNECTION = 'UND_ERR_SOCKET';
const LATENCY_MS = 15;
const PAGE = '<html><body>It works</body></html>';

/** Faults of a flaky network, one of which hits every second request. */
const FLAKY = [{ kind: 'refuse' }, { kind: 'reset' }, { kind: 'status', status: 503 }, { kind: 'status', status: 500 }];

/**
 * Creates the network of a run.
 *
 * @param rules is told about each introspection request and its end
 */
export function createNetwork({ events, time, random, server, note, rules, timeoutMs }) {
  const faults = [];
  let calls = 0;

  const latency = () => 1 + Math.floor(random() * LATENCY_MS);

  function faultFor(process, token) {
    const fault = faults[process] ?? { kind: 'pass' };
    // A healthy server that fails for some tokens: anybody can send such a token.
    if (fault.kind === 'tokens')
      return /[13579]$/.test(token) && token.length < 12 ? { kind: 'status', status: 500 } : { kind: 'pass' };
    if (fault.kind === 'flaky') return random() < 0.5 ? FLAKY[Math.floor(random() * FLAKY.length)] : { kind: 'pass' };
    return fault;
  }

  /** Sends one request, and lets its response arrive later, in the process that sent it. */
  function send(machine, process, { body }, handler) {
    const token = new URLSearchParams(body).get('token');
    const fault = faultFor(process, token);
    const call = {
      id: calls++,
      process,
      machine,
      token,
      fault,
      sentAt: time(),
      endedAt: undefined,
      outcome: undefined,
    };
    note(`${machine.name} asks the endpoint about ${shortName(token)} (call ${call.id}, ${describe(fault)})`);
    rules.callStarted(call);

    function end(outcome) {
      call.endedAt = time();
      call.outcome = outcome;
      rules.callEnded(call);
    }

    function abort(reason) {
      if (call.endedAt !== undefined) return;
      end('aborted');
      handler.onError(reason);
    }

    function fail(code) {
      if (call.endedAt !== undefined) return;
      end(code);
      note(`${machine.name}: call ${call.id} fails with ${code}`);
      handler.onError(Object.assign(new Error('connection'), { code }));
    }

    function reply(status, headers, content, ending = 'complete') {
      if (call.endedAt !== undefined) return;
      const { retryAfterSeconds } = fault;
      if (ending === 'complete') end(status);
      const raw = { ...headers, ...(retryAfterSeconds && { 'retry-after': String(retryAfterSeconds) }) };
      note(`${machine.name}: call ${call.id} gets ${status} ${content}${ending === 'complete' ? '' : `, ${ending}`}`);
      handler.onHeaders(
        status,
        Object.entries(raw)
          .flat()
          .map((text) => Buffer.from(text)),
        () => {},
        '',
      );
      handler.onData(Buffer.from(ending === 'complete' ? content : content.slice(0, 5)));
      if (ending === 'complete') handler.onComplete([]);
      if (ending === 'truncated') fail(LOST_CONNECTION);
    }

    const later = (ms, happen) => events.add(time() + ms, machine, happen);
    /** The server decides, then its response travels back. */
    function answer(delayMs, ending) {
      events.add(time() + latency(), undefined, () => {
        call.decidedAt = time();
        const response = server.respond(token, call.id);
        call.isActive = response.active;
        const deliver = () => reply(200, { 'content-type': 'application/json' }, JSON.stringify(response), ending);
        events.add(time() + delayMs + latency(), machine, deliver);
      });
    }

    handler.onConnect(abort, null);
    const perform = {
      pass: () => answer(0),
      slow: () => answer(Math.floor(fault.share * timeoutMs)),
      refuse: () => later(1, () => fail(NO_CONNECTION)),
      reset: () => later(latency(), () => fail(LOST_CONNECTION)),
      blackhole() {},
      stall: () => answer(0, 'stalled'),
      truncate: () => answer(0, 'truncated'),
      status: () => later(2 * latency(), () => reply(fault.status, {}, '')),
      late: () => later(Math.floor(fault.share * timeoutMs), () => reply(fault.status, {}, '')),
      page: () => later(2 * latency(), () => reply(fault.status, { 'content-type': 'text/html' }, PAGE)),
      unauthorized: () =>
        later(2 * latency(), () => reply(401, { 'content-type': 'application/json' }, '{"error":"invalid_client"}')),
    };
    perform[fault.kind]();
    return true;
  }

  return {
    /** Creates the dispatcher of one process. */
    connect(machine, process) {
      return new (class extends Dispatcher {
        dispatch(options, handler) {
          return send(machine, process, options, handler);
        }
      })();
    },
    /** @param process index of the process; `undefined` for all */
    setFault(fault, process, size) {
      for (let index = 0; index < size; index++) if (process === undefined || process === index) faults[index] = fault;
    },
    calls: () => calls,
  };
}

export function describe({ kind, status, share, retryAfterSeconds }) {
  const details = [
    status,
    share && `${share} of the time limit`,
    retryAfterSeconds && `Retry-After ${retryAfterSeconds}`,
  ];
  return [kind, ...details.filter(Boolean)].join(' ');
}

/** Random tokens of the library are long. */
export function shortName(token) {
  return token.length > 12 ? 'a random token' : token;
}
