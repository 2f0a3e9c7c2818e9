// One run: several processes, one authorization server, one store and one network, all on simulated time.
import { createHash } from 'node:crypto';
import { createRandom } from '../../__tests__/support/faults/schedule.mjs';
import { runIn } from '../model/machine.mjs';
import { createStore } from '../model/store.mjs';
import { createAuthorizationServer } from './authorization-server.mjs';
import { createEvents } from './events.mjs';
import { createNetwork, describe } from './network.mjs';
import { createPlan } from './plan.mjs';
import { startProcess } from './process.mjs';
import { createRules } from './rules.mjs';

/** Longest pause of the store, and more. */
const STORE_PAUSE_MS = 10_500;
/** Time until the log counts as read again, and more. */
const LOG_PAUSE_MS = 5500;
/** Time between two requests at the end. */
const SPACING_MS = 80;
/** Time in which a process stores a response, so that the next process finds it. */
const SHARING_MS = 250;

/**
 * Runs one seed.
 *
 * @returns what broke a rule, if anything did; the timeline; and its digest, which is the same for each run of the seed
 */
export async function runSeed(library, seed) {
  const plan = createPlan(seed);
  const events = createEvents();
  let now = 0;
  const time = () => now;
  const random = createRandom(seed ^ 0x5f356495);
  const lines = [];
  const note = (text) => void lines.push(`${String(now).padStart(6)} ms  ${text}`);
  const server = createAuthorizationServer({ ...plan, audience: plan.options.audience, time });
  const rules = createRules({ plan, server, time, note });
  const network = createNetwork({ events, time, random, server, note, rules, timeoutMs: plan.options.timeoutMs });
  const store = createStore(time);
  const readers = new Set();
  const storeFaults = Array.from({ length: plan.size }, () => 'ok');
  const world = { library, plan, events, time, random, note, rules, network, store, readers, storeFaults };
  const processes = [];
  let isOver = false;
  note(`${plan.size} processes, ${JSON.stringify(plan.options)}, ${JSON.stringify(plan.tokens)}`);

  const perform = {
    request: ({ process, ...request }) => processes[process]?.handle(request),
    revoke({ target }) {
      server.revoke(target);
      note(`the authorization server revokes ${target}`);
    },
    invalidate: ({ process, target }) => processes[process]?.invalidate(target),
    endpoint({ fault, process }) {
      network.setFault(fault, process, plan.size);
      note(`the endpoint of ${nameOf(process)}: ${describe(fault)}`);
    },
    store({ fault, process }) {
      for (let index = 0; index < plan.size; index++) {
        if (process === undefined || process === index) storeFaults[index] = fault;
      }
      rules.storeChanged(storeFaults);
      note(`the store of ${nameOf(process)}: ${fault}`);
    },
    'lose log'() {
      store.loseLog();
      rules.logLost();
      note('the store loses the log');
      for (const look of [...readers]) look();
    },
    crash({ process }) {
      processes[process].machine.crash();
      rules.ended(processes[process].machine);
      note(`${nameOf(process)} crashes`);
      processes[process] = { ...processes[process], handle() {}, invalidate() {}, isDown: true };
    },
    async restart({ process }) {
      processes[process] = await startProcess(world, process, processes[process].generation + 1);
      note(`${nameOf(process)} starts again`);
    },
    pause({ process, stopsClock }) {
      const { machine } = processes[process];
      if (machine.isDead()) return;
      machine.pause(stopsClock);
      rules.paused(machine);
      note(`${nameOf(process)} ${stopsClock ? 'is suspended' : 'is stopped'}`);
    },
    continue({ process }) {
      const { machine } = processes[process];
      if (!machine.isPaused()) return;
      machine.continue();
      rules.paused(machine);
      note(`${nameOf(process)} continues`);
    },
    'set clock'({ process, ms }) {
      processes[process].machine.setClock(ms);
      rules.clockSet(processes[process].machine);
      note(`the clock of ${nameOf(process)} is set by ${ms} ms`);
    },
  };

  /** All faults are over. When all announced pauses are over too, everything must work again. */
  function recover() {
    network.setFault({ kind: 'pass' }, undefined, plan.size);
    storeFaults.fill('ok');
    note('all faults are over');
    const recoveredAt =
      Math.max(now + LOG_PAUSE_MS, rules.pausesEndAt()) + (plan.options.hasStore ? STORE_PAUSE_MS : 0);
    events.add(recoveredAt, undefined, checkRecovery);
  }

  function checkRecovery() {
    note('everything must have recovered');
    rules.recovered();
    let at = now;
    const good = server.all().filter((token) => rules.isGood(token, at + 2000));
    for (const { name } of good) {
      for (const process of processes)
        events.add(at, undefined, () => process.handle({ token: name, route: 'any', isRequired: true }));
      at += SPACING_MS;
    }
    events.add(at, undefined, () => checkSharing(at));
  }

  /** A process that gets a new token asks the endpoint. If there is a store, the other processes use its response. */
  function checkSharing(at) {
    server.issue({ name: 'shared', sub: 'dave', scope: 'read', exp: undefined, jti: undefined });
    processes.forEach((process, index) => {
      events.add(at + index * SHARING_MS, undefined, () =>
        process.handle({ token: 'shared', route: 'any', isRequired: true }),
      );
    });
    events.add(at + plan.size * SHARING_MS, undefined, close);
  }

  function close() {
    const open = new Set(processes);
    for (const process of processes) {
      rules.checkStats(process.machine, process.stats());
      process.close(() => open.delete(process));
    }
    events.add(now + plan.options.timeoutMs + 100, undefined, () => {
      for (const process of processes) {
        if (open.has(process)) rules.report('close() does not resolve');
        const timers = process.machine.pendingTimers();
        if (timers > 0) rules.report(`${timers} timers are left after close()`);
      }
      rules.checkEnd();
      isOver = true;
    });
  }

  for (let index = 0; index < plan.size; index++) processes.push(await startProcess(world, index, 0));
  for (const step of plan.steps) events.add(step.at, undefined, () => perform[step.kind](step));
  events.add(plan.steps.at(-1).at + 1, undefined, recover);
  const onUnhandled = (error) => rules.report(`an unhandled rejection: ${error?.message}`);
  process.on('unhandledRejection', onUnhandled);
  try {
    let count = 0;
    while (!isOver && rules.violation() === undefined) {
      const event = events.next();
      now = event.at;
      const { owner, happen } = event;
      if (owner === undefined) await happen();
      else if (owner.isPaused()) owner.hold(event);
      else if (!owner.isDead()) {
        await runIn(owner, happen);
        count++;
      }
    }
    const digest = createHash('sha256').update(lines.join('\n')).digest('hex').slice(0, 16);
    return { seed, violation: rules.violation(), lines, digest, events: count, counts: rules.counts() };
  } finally {
    process.off('unhandledRejection', onUnhandled);
  }
}

function nameOf(process) {
  return process === undefined ? 'all processes' : `P${process + 1}`;
}
