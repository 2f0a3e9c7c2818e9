import { emitWarning } from 'node:process';

/** Returns a function that warns through `process.emitWarning` the first time it is called, and never again. */
export function createWarning(code: string, message: string): () => void {
  let warned = false;
  return () => {
    if (warned) return;
    warned = true;
    emitWarning(message, { type: 'TokenIntrospectionWarning', code });
  };
}
