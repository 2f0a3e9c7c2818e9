/** Waits for something that is on its way, over as many turns of the event loop as it takes. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
