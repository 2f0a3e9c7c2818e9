// Rules for the commands that a process sends to the store: after a failure it must leave the store alone for a while.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;
/** One command may take this share of the time limit of a request. */
const COMMAND_SHARE = 1 / 4;

export function createStoreRules({ plan, time, report }) {
  const limitMs = Math.ceil(plan.options.timeoutMs * COMMAND_SHARE);

  let recoveredAt = Number.POSITIVE_INFINITY;

  function fail(reads, command, at) {
    reads.sent.delete(command);
    const isProbe = reads.probe === command;
    if (isProbe) reads.probe = undefined;
    if (!isProbe && reads.pausedUntil !== undefined) return;
    reads.pausedUntil = at + reads.pauseMs;
    reads.pauseMs = Math.min(2 * reads.pauseMs, LONGEST_PAUSE_MS);
  }

  function failLate(reads) {
    for (const command of reads.sent) {
      if (command.sentAt + limitMs >= time()) return;
      fail(reads, command, command.sentAt + limitMs);
    }
  }

  function readsOf(view) {
    view.reads ??= { sent: new Set(), pausedUntil: undefined, pauseMs: FIRST_PAUSE_MS, probe: undefined };
    return view.reads;
  }

  return {
    started(view, command) {
      if (command.kind !== 'getOrLease') return;
      const reads = readsOf(view);
      failLate(reads);
      reads.sent.add(command);
      if (reads.pausedUntil === undefined) return;
      const isWrong = time() < reads.pausedUntil || reads.probe !== undefined;
      // After a pause of the process, its timers are late.
      if (isWrong && view.disturbedAt < 0)
        report(`${view.machine.name} sends a command to the store, which has just failed`);
      reads.probe = command;
    },
    recovered() {
      recoveredAt = time();
    },
    /** A process that has read and written since everything works again has published that. */
    checkIsOk({ machine, storeState, read = -1, written = -1 }) {
      if (storeState === 'failing' && read > recoveredAt && written > recoveredAt)
        report(`${machine.name} calls the store failing, although it works`);
    },
    replied(view, command) {
      if (command.sentAt >= recoveredAt) view[command.kind === 'getOrLease' ? 'read' : 'written'] = time();
      if (command.kind !== 'getOrLease') return;
      const reads = readsOf(view);
      failLate(reads);
      if (!reads.sent.delete(command) || reads.probe !== command) return;
      Object.assign(reads, { pausedUntil: undefined, pauseMs: FIRST_PAUSE_MS, probe: undefined });
    },
    failed(view, command) {
      if (command.kind === 'getOrLease' && readsOf(view).sent.has(command)) fail(readsOf(view), command, time());
    },
  };
}
