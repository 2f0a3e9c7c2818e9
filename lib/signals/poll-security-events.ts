import { parseUrl } from '../options/parse-url.js';
import { rejectOption } from '../options/read-options.js';
import { createApplyEvent } from './apply-event.js';
import { parseSignalOptions } from './options.js';
import { createPollClient, type PollReport } from './poll-client.js';
import { pauseMs } from './poll-pause.js';
import { publishFailure, publishSignal } from './publish-signal.js';
import { POLLING_RULES } from './rules.js';
import type { SecurityEventsOptions } from './security-events.js';
import { SignalError } from './signal-error.js';
import { createSignalVerifier } from './signal-verifier.js';

/** Options of `pollSecurityEvents()`. */
export interface PollSecurityEventsOptions extends SecurityEventsOptions {
  /** URL to which poll requests are sent. It is part of the configuration of your stream at the transmitter. Required. */
  readonly endpoint: string | URL;
  /**
   * Access token for the transmitter, or a function that returns the current access token. The function is called for every poll request.
   * Default: poll requests have no access token.
   */
  readonly token?: string | (() => string | Promise<string>) | undefined;
  /** Maximum number of events in one response, 1 to 100. Default: `50`. */
  readonly maxEvents?: number | undefined;
}

/** The polling that a call of `pollSecurityEvents()` has started. */
export interface Polling {
  /**
   * Stops polling. Events that were already received are still handled, and their outcomes are sent to the transmitter, for at most 5
   * seconds. Then the connections are closed, and the promise resolves.
   */
  close(): Promise<void>;
}

const BY = 'pollSecurityEvents';
const MAX_AGE_SECONDS = 86_400;
const MAX_EVENTS = 50;

/**
 * Deadline of a poll request, in milliseconds. A transmitter responds when it has events, or when it does not want to wait longer. When the
 * deadline has passed without a response, the poll request is sent again.
 */
const WAIT_MS = 90_000;

/**
 * Shortest time between two poll requests if the first brought no new event, in milliseconds. A transmitter may respond at once although it
 * has no event.
 */
const MIN_INTERVAL_MS = 1000;

/**
 * Fetches security event tokens from a transmitter ([RFC 8936](https://www.rfc-editor.org/rfc/rfc8936)), by long polling, until `close()`
 * is called. Until then, the process does not end by itself. The events have the same effect as those of `securityEvents()`.
 *
 * An event is acknowledged only after its invalidation is in the `cache.store`, from which the other processes read it. So an event is not
 * lost when the process ends, is killed, or cannot reach the store: the transmitter sends the event again. An event that is not valid is
 * reported to the transmitter. If events cannot be fetched for now, a pause of 1 to 60 seconds follows. If an
 * event cannot be applied for now, the pause is at most 5 seconds. Either is longer if the transmitter asks for it, or if the keys of the
 * issuer can be fetched only later. Several processes may poll the same stream.
 *
 * @throws TypeError for a missing, unknown or invalid option
 */
export function pollSecurityEvents(options: PollSecurityEventsOptions): Polling {
  const { options: parsed, settings } = parseSignalOptions(BY, options, POLLING_RULES, MAX_AGE_SECONDS);
  const { endpoint, token, dispatcher, subject, scope, maxEvents = MAX_EVENTS, allowJwtType = false } = parsed;
  if (endpoint === undefined) rejectOption('endpoint', undefined, POLLING_RULES);
  const url = parseUrl('endpoint', endpoint, settings.allowHttp);
  const client = createPollClient({
    endpoint: url,
    token,
    maxEvents,
    dispatcher,
    now: () => settings.clock.now(),
    waitMs: WAIT_MS,
  });
  const verify = createSignalVerifier(settings, 'secevent+jwt', allowJwtType);
  const apply = createApplyEvent(BY, settings, { issuer: settings.issuer, subject, scope });
  const closing = createClosing(client.abort);

  /**
   * Verifies and applies one event. Resolves to the outcome: without `error` if the event was applied, otherwise with the rejection or the
   * outage. After an outage, the transmitter must send the event again.
   */
  async function handle(jti: string, jwt: string): Promise<Outcome> {
    try {
      const signal = await verify(jwt);
      if (signal.jti !== jti) throw new SignalError('other_jti');
      await apply(signal);
      return { jti };
    } catch (thrown) {
      const error = thrown instanceof SignalError ? thrown : new SignalError('subject_failed');
      publishFailure(BY, error);
      return { jti, error };
    }
  }

  async function run(): Promise<void> {
    let report = NOTHING;
    let failures = 0;
    while (!closing.isClosed()) {
      const startedAt = settings.clock.monotonic();
      let failure: SignalError | undefined;
      let isNew = true;
      try {
        const sets = await client.poll(report);
        // The report may not have arrived, so it is sent again.
        if (sets === undefined) continue;
        isNew = [...sets.keys()].some((jti) => !isReported(report, jti));
        const outcomes = await Promise.all([...sets].map(([jti, jwt]) => handle(jti, jwt)));
        report = reportOf(outcomes);
        failure = outcomes.find(({ error }) => error?.isOutage)?.error;
      } catch (error) {
        failure = error instanceof SignalError ? error : new SignalError('poll_failed');
        if (!closing.isClosed()) publishSignal({ by: BY, outcome: 'failed', reason: 'poll_failed' });
      }
      failures = failure === undefined ? 0 : failures + 1;
      if (failure !== undefined) await closing.pause(pauseMs(failures, failure));
      else if (!isNew) await closing.pause(startedAt + MIN_INTERVAL_MS - settings.clock.monotonic());
    }
    // Otherwise these events would be sent again to the next process, which does no harm.
    if (report !== NOTHING) await client.acknowledge(report).catch(() => {});
    await client.close();
  }

  const ended = run();
  return {
    close() {
      closing.close();
      return ended;
    },
  };
}

/** Whether the transmitter was told the outcome of this event. If it sends the event all the same, it ignores reports. */
function isReported({ ack, setErrs }: PollReport, jti: string): boolean {
  return ack.includes(jti) || Object.hasOwn(setErrs, jti);
}

interface Outcome {
  readonly jti: string;
  readonly error?: SignalError;
}

const NOTHING: PollReport = { ack: [], setErrs: {} };

/** Creates the report about these outcomes. Events that the transmitter must send again are left out of the report. */
function reportOf(outcomes: readonly Outcome[]): PollReport {
  const ack = outcomes.filter(({ error }) => error === undefined).map(({ jti }) => jti);
  const rejected = outcomes.flatMap(({ jti, error }) =>
    error?.deliveryError === undefined
      ? []
      : [[jti, { err: error.deliveryError, description: error.message }] as const],
  );
  return ack.length + rejected.length === 0 ? NOTHING : { ack, setErrs: Object.fromEntries(rejected) };
}

/**
 * Creates an object that remembers whether polling was closed. Closing it ends the poll request or the pause for which the polling waits.
 */
function createClosing(abort: () => void) {
  let isClosed = false;
  let wake: () => void = () => {};
  return {
    isClosed: () => isClosed,
    close() {
      isClosed = true;
      abort();
      wake();
    },
    pause(ms: number): Promise<void> {
      if (isClosed || ms <= 0) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
  };
}
