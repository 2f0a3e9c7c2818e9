import type { PrecheckContext } from './precheck.js';

/**
 * The context of one precheck. It creates its signal only when the precheck reads the signal, because a signal is slow to create, and most
 * prechecks do not wait for anything.
 */
export class LimitedContext implements PrecheckContext {
  #controller: AbortController | undefined;
  #listener: (() => void) | undefined;
  #isOver = false;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    if (this.#isOver) this.#controller.abort();
    return this.#controller.signal;
  }

  /** Calls a listener once when the signal aborts, at once if it has aborted. It replaces an earlier listener. */
  onAbort(listener: () => void): void {
    if (this.#isOver) listener();
    else this.#listener = listener;
  }

  abort(): void {
    this.#isOver = true;
    this.#listener?.();
    this.#controller?.abort();
  }
}

/**
 * Settles like `work`, or resolves to `late` when the signal of the context aborts first.
 *
 * @param context any context; without a {@link LimitedContext}, this takes longer
 */
export function untilAborted<T, Late>(work: Promise<T>, context: PrecheckContext, late: Late): Promise<T | Late> {
  return new Promise((resolve, reject) => {
    const abort = () => resolve(late);
    if (context instanceof LimitedContext) {
      context.onAbort(abort);
      work.then(resolve, reject);
      return;
    }
    const { signal } = context;
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}
