/**
 * Remedies by reason or code. In each list, the first remedy that fits the detail of the error is used; the last remedy fits every detail.
 * All texts are fixed, so they hold no part of a request, a response or a secret.
 */
export type Remedies<Name extends string> = Readonly<Record<Name, readonly Remedy[]>>;

/** A text, and the details that it fits: those that begin with one of `beginnings`. An empty list fits every detail. */
export type Remedy = readonly [beginnings: readonly string[], text: string];
