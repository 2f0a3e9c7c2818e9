import { startChild } from '../child.mjs';

/** What a proof costs on top of its signature. */
export async function measureDpop({ plan, report }) {
  report(`dpop: ${plan.proofRounds} rounds of ${plan.proofs} proofs`);
  const child = await startChild('dpop-child.mjs', {
    args: [`--rounds=${plan.proofRounds}`, `--batch=${plan.proofs}`],
  });
  try {
    const { id, ...results } = await child.ask();
    return results;
  } finally {
    child.stop();
  }
}
