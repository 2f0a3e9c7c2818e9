// The time at which every input arrives, so that an input always has the same result.

export const NOW_SECONDS = 1_800_000_000;
export const SENT_AT = Object.freeze({ at: NOW_SECONDS * 1000, monotonic: 1_000_000 });
export const CLOCK = Object.freeze({ now: () => SENT_AT.at, monotonic: () => SENT_AT.monotonic });
