/** A process warning of this library. */
export interface Warning {
  readonly text: string;
  readonly code: string | undefined;
  readonly detail: string | undefined;
}

const restores: (() => void)[] = [];

afterEach(() => {
  for (const restore of restores.splice(0)) restore();
});

/** Collects process warnings instead of printing them, until the test ends. */
export function recordWarnings(): Warning[] {
  const warnings: Warning[] = [];
  const take = (text: string, { code, detail }: { code?: string; detail?: string }) =>
    void warnings.push({ text, code, detail });
  const spy = jest.spyOn(process, 'emitWarning').mockImplementation(take as typeof process.emitWarning);
  restores.push(() => spy.mockRestore());
  return warnings;
}
