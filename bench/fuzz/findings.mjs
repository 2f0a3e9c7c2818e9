/** All findings of the fuzzer so far. Each has a regression test. */
export const FINDINGS = [];
