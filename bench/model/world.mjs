// Several processes, one store, one endpoint and one time. Lists the events that can come next, and lets one of them happen.
import { hash } from 'node:crypto';
import { STARTS } from './limits.mjs';
import { budgetOf, pauseOf, possibleEvents } from './possible-events.mjs';
import { createProcess } from './process.mjs';
import { createProperty } from './property.mjs';
import { createStore } from './store.mjs';

const TOKENS = ['A', 'B'];

/** Lengths of the pauses in which time passes: the log counts as unread for too long, and with a second pause every response expires. */
const PAUSES_MS = { unread: 5001, expire: 59_000 };

/** Creates a world, and lets the events of the start happen in it. */
export async function startWorld(library, limits) {
  const world = await createWorld(library, limits);
  for (const event of STARTS[limits.start]) await world.perform(event, false);
  return world;
}

/**
 * @param limits processes, tokens, and how many events of each kind there may be
 */
async function createWorld(library, limits) {
  let now = 0;
  const time = () => now;
  const store = createStore(time);
  const property = createProperty(time);
  const tokens = TOKENS.slice(0, limits.tokens);
  const left = { ...limits };
  const hasStore = limits.stores > 0;
  /** Commands of crashed processes that the store has not executed yet. */
  let orphans = [];
  const states = [];
  for (let index = 0; index < limits.processes; index++) states.push(await createState(index, 0));

  async function createState(index, generation) {
    const name = `P${index + 1}`;
    const process = createProcess(library, {
      ...{ name, generation, time },
      ...{ store: hasStore ? store : undefined, isStaleAllowed: limits.failures > 0 },
    });
    await process.start();
    const state = { process, generation, knows: new Set(), waiting: new Set(), isTouched: generation > 0 };
    if (generation === 0 && hasStore) await process.readLog();
    return state;
  }

  const keyOf = (token) => ({ token, digest: library.tokenDigest(token) });
  const stateOf = (name) => states[Number(name.slice(1)) - 1];

  async function ask(state, token, isFresh) {
    const { process, knows, waiting } = state;
    const request = property.arrive({ token, knows, isFresh });
    waiting.add(request);
    const settle = (record) => {
      waiting.delete(request);
      if (record?.active) property.admit(request, record);
    };
    await process.run(`ask ${token} ${isFresh}`, () => {
      const instant = { at: process.machine.clock.now(), monotonic: process.machine.clock.monotonic() };
      const notBefore = isFresh ? instant.monotonic : library.ANY_AGE;
      const record = process.caches.lookup(keyOf(token), {
        notBefore,
        now: instant,
        background: false,
        isKnown: false,
      });
      if (record instanceof Promise) record.then(settle, () => settle(undefined));
      else settle(record);
    });
  }

  async function revoke({ process, knows }, target) {
    property.revoke(target, knows);
    await process.run(`revoke ${target}`, () => {
      const { invalidate } = process.caches;
      const [kind, token] = target.split(' ');
      const done = kind === 'sub' ? invalidate.claim('sub', 'alice') : invalidate.token(keyOf(token));
      const command = process.messages().findLast((message) => message.kind === 'append');
      if (command !== undefined) property.appended(command.args[0], target);
      done.then(
        () => property.resolved(target),
        () => {},
      );
    });
  }

  async function execute(name, message) {
    const reply = message.execute();
    const state = stateOf(name);
    if (orphans.includes(message)) {
      orphans = orphans.filter((other) => other !== message);
      return;
    }
    Object.assign(message, { reply, status: 'replied' });
    // The process waits for nothing that this reply could change, so it arrives at once.
    if (message.kind === 'keepAndRelease' && !state.process.machine.isSuspended()) await state.process.deliver(message);
  }

  async function pass(ms) {
    const until = now + ms;
    for (;;) {
      const running = states.filter(({ process }) => !process.machine.isSuspended());
      const next = Math.min(...running.map(({ process }) => now + Math.max(0, process.machine.timers.dueIn())));
      now = Math.min(next, until);
      for (const { process } of running) await process.fireTimers();
      if (next > until) return;
    }
  }

  function executeOf({ process }, id) {
    return execute(process.name, messageOf(process, id));
  }

  function answerTo({ args: [token, sent] }) {
    return property.isActive(token) ? { active: true, sub: 'alice', sent } : { active: false };
  }

  const perform = {
    ask: (state, token) => ask(state, token, false),
    askFresh: (state, token) => ask(state, token, true),
    revoke: (state, ...target) => revoke(state, target.join(' ')),
    async read(state) {
      property.read(await state.process.readLog(), state.knows);
    },
    deliver: ({ process }, id) => process.deliver(messageOf(process, id)),
    getOrLease: executeOf,
    keepAndRelease: executeOf,
    append: executeOf,
    executeLate: ({ process }, index) => execute(process.name, orphans[index]),
    async answer({ process }, id) {
      const message = messageOf(process, id);
      Object.assign(message, { reply: answerTo(message), status: 'replied' });
    },
    async fail({ process }, id) {
      Object.assign(messageOf(process, id), { reply: 'failure', status: 'replied' });
    },
    async crash({ process, generation }) {
      orphans.push(...process.messages().filter(({ kind, status }) => status === 'sent' && kind !== 'ask'));
      const index = states.findIndex((state) => state.process === process);
      states[index] = await createState(index, generation + 1);
    },
    async suspend({ process }) {
      process.machine.suspend();
    },
    async resume({ process }) {
      process.machine.resume();
      await process.fireTimers();
    },
    async lose() {
      property.loseLog(store.log().items);
      store.loseLog();
    },
    unread: () => pass(PAUSES_MS.unread),
    expire: () => pass(PAUSES_MS.expire),
    pause: () => pass(Math.max(0, Math.min(...states.map(pauseOf)))),
  };

  const messageOf = (process, id) => process.messages().find((message) => message.id === Number(id));
  return {
    events: () => possibleEvents({ states, orphans, tokens }).filter((event) => !(left[budgetOf(event)] <= 0)),
    async perform(event, isLimited = true) {
      const [name, verb, ...rest] = event.split(' ');
      const state = stateOf(name);
      if (state !== undefined) state.isTouched = true;
      if (isLimited && budgetOf(event) !== undefined) left[budgetOf(event)]--;
      await perform[verb](state, ...rest);
    },
    violation: property.violation,
    digest: () =>
      hash(
        'sha1',
        JSON.stringify([
          ...[now, left, store.content(), property.content(), orphans.map(({ kind, args }) => [kind, args])],
          states.map(({ process, generation, knows, waiting, isTouched }) => [
            ...[process.content(), generation, isTouched, [...knows].sort()],
            [...waiting].map(({ token, arrivedAt, reason, isFresh }) => [token, arrivedAt, reason, isFresh]),
          ]),
        ]),
        'base64',
      ).slice(0, 16),
    /** A message and its reply, for the timeline. */
    messageOf(name, id) {
      const state = stateOf(name);
      return state && messageOf(state.process, id);
    },
    now: time,
  };
}
