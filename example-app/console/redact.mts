const REDACTED = '••••••••';

/** The first and last characters of a token. They are enough for its owner to recognise it. */
export function shortenToken(token: string): string {
  return token.length > 16 ? `${token.slice(0, 6)}…${token.slice(-4)}` : `${token.slice(0, 3)}…`;
}

/** A header's value without tokens, secrets and cookies. */
export function redactHeader(name: string, value: string): string {
  switch (name.toLowerCase()) {
    case 'authorization':
      return value.split(',').map(redactCredentials).join(',');
    case 'dpop':
      return shortenToken(value);
    case 'cookie':
      return REDACTED;
    default:
      return value;
  }
}

/** A form body with its `token` parameter shortened. */
export function redactForm(form: string): string {
  return form.replace(/(^|&)(token=)([^&]*)/, (_, before: string, name: string, token: string) => {
    return `${before}${name}${shortenToken(token)}`;
  });
}

/** Text without a scheme is treated as a token. */
function redactCredentials(text: string): string {
  const [, scheme = '', credentials = ''] = /^(\s*\S+)\s+(.*\S)/.exec(text) ?? [];
  if (credentials === '') return /^\s*(basic|bearer|dpop)\s*$/i.test(text) ? text : shortenToken(text);
  return `${scheme} ${/^\s*basic$/i.test(scheme) ? REDACTED : shortenToken(credentials)}`;
}
