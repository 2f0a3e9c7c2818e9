// The clocks, the timers and the random values of one process. The library's own calls reach them, see model/machine.mjs.
import process from 'node:process';
import { EPOCH_MS, installMachine, runningMachine } from '../model/machine.mjs';

/** Monotonic time at the start of a process, in milliseconds. */
const FIRST_MONOTONIC_MS = 1000;

/** Replaces the timers, the clocks, the random values and the warnings of Node in this thread. */
export function installSimulation() {
  installMachine();
  const realNow = Date.now;
  const realRandom = Math.random;
  Date.now = () => runningMachine()?.clock.now() ?? realNow();
  Math.random = () => runningMachine()?.random() ?? realRandom();
  process.emitWarning = () => {};
}

/**
 * Creates the machine of one process.
 *
 * @param time reads the milliseconds since the run started
 * @param random creates random numbers from 0 to 1
 * @param offsetMs difference between its wall clock and the real time
 */
export function createMachine({ name, events, time, random, offsetMs }) {
  const startedAt = time();
  const pending = new Set();
  let wallOffsetMs = offsetMs;
  /** Time by which the monotonic clock is late, because the machine was suspended. */
  let suspendedMs = 0;
  let stoppedMs = 0;
  let pauseStartedAt;
  let isClockStopped = false;
  let held = [];
  let isDead = false;
  let drawn = 0;

  const monotonic = () => FIRST_MONOTONIC_MS + (isClockStopped ? pauseStartedAt : time()) - startedAt - suspendedMs;

  function add(callback, ms) {
    const timer = { isOfModel: true, clear, unref: () => timer };
    // Node fires timers with a fraction of a millisecond too early, and others at the earliest after 1 millisecond.
    schedule(timer, time() + (ms === 0 ? 0 : Math.max(1, Math.trunc(ms) || 1)), () => {
      pending.delete(timer);
      callback();
    });
    pending.add(timer);
    return timer;

    function clear() {
      pending.delete(timer);
      timer.event.isCancelled = true;
    }
  }

  function schedule(timer, at, happen) {
    timer.event = events.add(at, self, happen);
    timer.event.timer = timer;
  }

  function every(callback, ms) {
    let timer;
    const interval = { isOfModel: true, clear: () => timer.clear(), unref: () => interval };
    const next = () => {
      timer = add(() => {
        next();
        callback();
      }, ms);
    };
    next();
    return interval;
  }

  const self = {
    name,
    random,
    clock: { now: () => EPOCH_MS + time() + wallOffsetMs, monotonic },
    timers: { add, every },
    pendingTimers: () => pending.size,
    bytes: (size) => Buffer.alloc(size, `${name}.${drawn++};`),
    setClock(ms) {
      wallOffsetMs += ms;
    },
    /** Milliseconds in which the process could not run although its monotonic clock did. */
    stoppedMs: () => stoppedMs,
    isPaused: () => pauseStartedAt !== undefined,
    isDead: () => isDead,
    /** Keeps an event of a process that does not run, until it continues. */
    hold: (event) => void held.push(event),
    crash() {
      isDead = true;
    },
    /** @param stopsClock `true` for a suspended machine, `false` for a process that a signal has stopped */
    pause(stopsClock) {
      pauseStartedAt = time();
      isClockStopped = stopsClock;
    },
    /** Continues. Timers that are due fire first, then everything arrives that came meanwhile, as in an event loop. */
    continue() {
      const ms = time() - pauseStartedAt;
      pauseStartedAt = undefined;
      if (isClockStopped) {
        suspendedMs += ms;
        isClockStopped = false;
        for (const timer of pending) {
          const { at, happen } = timer.event;
          timer.event.isCancelled = true;
          schedule(timer, at + ms, happen);
        }
      } else {
        stoppedMs += ms;
      }
      const now = held;
      held = [];
      const isTimer = ({ timer }) => timer !== undefined;
      for (const event of now.filter(isTimer)) events.again(event, time());
      for (const event of now.filter((other) => !isTimer(other))) events.again(event, time());
    },
  };
  return self;
}
