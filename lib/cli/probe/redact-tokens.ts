import type { ProbeContext } from './probe-case.js';

/** A part of a token that is shorter than this may also be an ordinary word, so it is not replaced. */
const MIN_PART_LENGTH = 8;

/**
 * Replaces the tokens in a text that the API sent. The cases also send a token in the other case, without its last character, and the
 * claims of a JWT. So these are replaced too.
 */
export function withoutTokens(
  text: string,
  { token, narrowToken, unknownToken }: Pick<ProbeContext, 'token' | 'narrowToken' | 'unknownToken'>,
): string {
  const tokens = [token, narrowToken, unknownToken].filter((value) => value !== undefined && value !== '') as string[];
  const parts = tokens.flatMap((value) => [value.slice(0, -1), value.split('.')[1] ?? '']);
  const long = parts.filter((part) => part.length >= MIN_PART_LENGTH);
  // Longest first, because one text may be part of another.
  const patterns = [...tokens, ...long].sort((a, b) => b.length - a.length).map(escapePattern);
  return text.replace(new RegExp(patterns.join('|'), 'gi'), '…');
}

function escapePattern(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
