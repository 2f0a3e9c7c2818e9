/**
 * By name, then by how the detail begins; the first that fits. The last of each list fits every detail. All are fixed texts:
 * nothing of a request, a reply or a secret is in them.
 */
export type Remedies<Name extends string> = Readonly<Record<Name, readonly Remedy[]>>;

export type Remedy = readonly [beginnings: readonly string[], text: string];
