/** Longest wait: below the timeout of a test, so that a test that waits in vain fails and does not keep the process running. */
const MAX_WAIT_MS = 18_000;

/**
 * Resolves when the condition holds. It is checked on each turn of the event loop.
 *
 * @throws Error when the condition does not hold after `maxWaitMs` milliseconds
 */
export async function until(condition: () => boolean, maxWaitMs = MAX_WAIT_MS): Promise<void> {
  const startedAt = performance.now();
  while (!condition()) {
    if (performance.now() - startedAt > maxWaitMs) throw new Error(`Waited in vain for ${condition}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
