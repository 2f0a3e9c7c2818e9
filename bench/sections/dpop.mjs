import { startChild } from '../child.mjs';

/** Measures the CPU time of a DPoP proof, compared with only verifying its signature. */
export async function measureDpop({ plan, report }) {
  report(`dpop: ${plan.proofRounds} rounds of ${plan.proofs} proofs`);
  const child = await startChild('dpop-child.mjs', {
    args: [`--rounds=${plan.proofRounds}`, `--batch=${plan.proofs}`],
  });
  try {
    const { id, ...results } = await child.send();
    return results;
  } finally {
    child.stop();
  }
}
