// The clock, the timers and the random numbers of the model. The library's own calls reach them, because they replace those of Node.
import crypto from 'node:crypto';
import timers from 'node:timers';
import timersPromises from 'node:timers/promises';

const nextTurn = globalThis.setImmediate;
const randomBytes = crypto.randomBytes;

/** Wall time at the start, in milliseconds since the epoch. */
export const EPOCH_MS = 1_800_000_000_000;

/** The process whose code runs at the moment. All others stand still, as JavaScript runs one callback at a time. */
let running;

/** The process whose code runs at the moment; `undefined` before the first event. */
export const runningMachine = () => running;

/** Replaces the timers, the clocks and the random values of Node by those of the process that runs. Node's own use continues. */
export function installMachine() {
  const realTimeout = globalThis.setTimeout;
  const setTimeout = (callback, ms, ...args) =>
    running === undefined ? realTimeout(callback, ms, ...args) : running.timers.add(callback, ms);
  const realClear = globalThis.clearTimeout;
  const clearTimeout = (timer) => (timer?.isOfModel ? timer.clear() : realClear(timer));
  Object.assign(globalThis, { setTimeout, clearTimeout });
  Object.assign(timers, { setTimeout, clearTimeout });
  globalThis.setInterval = (callback, ms) => running.timers.every(callback, ms);
  globalThis.clearInterval = (timer) => timer?.clear();
  globalThis.setImmediate = (callback) => running.timers.add(callback, 0);
  timersPromises.setTimeout = (ms) => new Promise((resolve) => running.timers.add(resolve, ms, true));
  performance.now = () => running.clock.monotonic();
  crypto.hkdfSync = rememberKeys(crypto.hkdfSync);
  crypto.randomBytes = (size) => (running === undefined ? randomBytes(size) : running.bytes(size));
}

/** Keeps the derived keys, because the same few are derived for each state. */
function rememberKeys(hkdfSync) {
  const keys = new Map();
  return (...args) => {
    const name = args.join();
    if (!keys.has(name)) keys.set(name, hkdfSync(...args));
    return keys.get(name);
  };
}

/** Runs a callback as code of one process, and then everything that follows from it without a further event. */
export async function runIn(owner, callback) {
  running = owner;
  callback();
  await new Promise(nextTurn);
}

/**
 * Creates clock, timers and random bytes of one process. They are a function of the events of this process only, so the same events always
 * lead to the same state.
 *
 * @param time reads the milliseconds since the model started
 */
export function createMachine(name, time) {
  let suspendedMs = 0;
  let suspendedAt;
  let drawn = 0;
  const pending = new Set();
  const monotonic = () => (suspendedAt ?? time()) - suspendedMs + 1000;

  return {
    clock: { now: () => EPOCH_MS + time(), monotonic },
    timers: {
      /** @param isPause whether the process waits for this timer only, and not for something that may come before */
      add(callback, ms, isPause = false) {
        const timer = {
          isOfModel: true,
          dueAt: monotonic() + ms,
          callback,
          isPause,
          clear: () => pending.delete(timer),
        };
        timer.unref = () => timer;
        pending.add(timer);
        return timer;
      },
      // The interval of the revocation log only reports the health of the store to a diagnostics channel.
      every: () => ({ unref() {}, clear() {} }),
      /** Milliseconds until the next timer is due, or until the next pause ends. */
      dueIn(isPause = false) {
        let dueAt = Number.POSITIVE_INFINITY;
        for (const timer of pending) if (timer.isPause || !isPause) dueAt = Math.min(dueAt, timer.dueAt);
        return dueAt - monotonic();
      },
      takeDue() {
        const due = [...pending].filter(({ dueAt }) => dueAt <= monotonic()).sort((a, b) => a.dueAt - b.dueAt)[0];
        pending.delete(due);
        return due?.callback;
      },
    },
    bytes: (size) => Buffer.alloc(size, `${name}.${drawn++};`),
    /** Stops the process and its monotonic clock, as when a machine is suspended. The wall clock continues. */
    suspend() {
      suspendedAt = time();
    },
    resume() {
      suspendedMs += time() - suspendedAt;
      suspendedAt = undefined;
    },
    isSuspended: () => suspendedAt !== undefined,
    suspendedMs: () => suspendedMs,
  };
}
