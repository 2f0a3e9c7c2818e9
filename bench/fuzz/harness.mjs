// Runs one input through a target: reads it, runs the library with it, measures the time, and checks the result.
import { performance } from 'node:perf_hooks';

/** An input may take ten times as long as the linear bound. */
const FACTOR = 10;
/** Shortest time that counts as slow, in milliseconds. The resolution of the clock and a full processor explain shorter times. */
const NOT_SLOW_MS = 1;
const WARM_UPS = 40;
const MEASUREMENTS = 10;
/** Times that a slow input is run again. Only the fastest run counts. */
const REPEATS = 7;
const SHORT = 32;

/**
 * Returns a function that runs one input. It throws if an assertion of the target fails, or if the input is slow. For a synchronous target
 * the function is synchronous too.
 *
 * @param load loads a compiled file of the library
 * @param count called after each input, with whether the library admitted it
 */
export async function createExecution(target, load, count = () => {}) {
  const subject = await target.create(load);
  const boundMs = await calibrate(target, subject);
  return target.isSynchronous
    ? synchronous(target, subject, boundMs, count)
    : asynchronous(target, subject, boundMs, count);
}

function synchronous({ name }, subject, boundMs, count) {
  const run = (input) => {
    const start = performance.now();
    try {
      const value = subject.run(input);
      return { value, ms: performance.now() - start };
    } catch (error) {
      return { error, ms: performance.now() - start };
    }
  };
  return (bytes) => {
    const input = subject.read(bytes);
    const outcome = run(input);
    count(subject.check(input, outcome));
    const limitMs = boundMs(bytes.length);
    if (outcome.ms <= limitMs) return;
    for (let repeat = 0; repeat < REPEATS; repeat++) if (run(subject.read(bytes)).ms <= limitMs) return;
    throw tooSlow(name, bytes, outcome, limitMs);
  };
}

function asynchronous({ name }, subject, boundMs, count) {
  return async (bytes) => {
    const input = await subject.read(bytes);
    const outcome = await measure(subject, input);
    count(await subject.check(input, outcome));
    const limitMs = boundMs(bytes.length);
    if (outcome.ms <= limitMs) return;
    for (let repeat = 0; repeat < REPEATS; repeat++) {
      if ((await measure(subject, await subject.read(bytes))).ms <= limitMs) return;
    }
    throw tooSlow(name, bytes, outcome, limitMs);
  };
}

/** Measures CPU time, because an input may have to wait. */
async function measure(subject, input) {
  const start = process.cpuUsage();
  const passedMs = () => {
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  };
  try {
    const value = await subject.run(input);
    return { value, ms: passedMs() };
  } catch (error) {
    return { error, ms: passedMs() };
  }
}

/** Returns the time limit for an input of a given length: ten times a line through the times of a short and of a long typical input. */
async function calibrate({ typical, maxLength }, subject) {
  const fastest = async (bytes) => {
    const times = [];
    for (let index = 0; index < WARM_UPS + MEASUREMENTS; index++) {
      times.push((await measure(subject, await subject.read(bytes))).ms);
    }
    return Math.min(...times.slice(WARM_UPS));
  };
  const [short, long] = [typical(SHORT), typical(maxLength - SHORT)];
  const [shortMs, longMs] = [await fastest(short), await fastest(long)];
  const slope = Math.max(0, longMs - shortMs) / (long.length - short.length);
  return (length) => Math.max(NOT_SLOW_MS, FACTOR * (shortMs + slope * length));
}

function tooSlow(name, bytes, { ms }, limitMs) {
  return new Error(
    `${name}: ${bytes.length} bytes took ${ms.toFixed(1)} ms, and at most ${limitMs.toFixed(1)} ms are allowed`,
  );
}
