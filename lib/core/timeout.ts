/**
 * Settles like `work`, or rejects when it takes longer than `ms` milliseconds. A later result or failure is ignored.
 *
 * @throws Error `too late`
 */
export function withTimeout<T>(work: () => Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    // If the event loop was blocked, replies that arrived meanwhile are handled before the timeout.
    const timer = setTimeout(() => setImmediate(() => reject(new Error('too late'))), ms);
    work()
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}
