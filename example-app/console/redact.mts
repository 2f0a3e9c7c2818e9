const SECRET = '••••••••';

/** A token by its beginning and end: enough to recognise one's own. */
export function shortened(token: string): string {
  return token.length > 16 ? `${token.slice(0, 6)}…${token.slice(-4)}` : `${token.slice(0, 3)}…`;
}

/** A header's value, without what its sender would not want to be seen. */
export function maskedHeader(name: string, value: string): string {
  switch (name.toLowerCase()) {
    case 'authorization':
      return value.split(',').map(maskedCredentials).join(',');
    case 'dpop':
      return shortened(value);
    case 'cookie':
      return SECRET;
    default:
      return value;
  }
}

/** A form, with the token in it shortened. */
export function maskedBody(form: string): string {
  return form.replace(/(^|&)(token=)([^&]*)/, (_, before: string, name: string, token: string) => {
    return `${before}${name}${shortened(token)}`;
  });
}

/** What has no scheme is taken for a token by itself. */
function maskedCredentials(text: string): string {
  const [, scheme = '', credentials = ''] = /^(\s*\S+)\s+(.*\S)/.exec(text) ?? [];
  if (credentials === '') return /^\s*(basic|bearer|dpop)\s*$/i.test(text) ? text : shortened(text);
  return `${scheme} ${/^\s*basic$/i.test(scheme) ? SECRET : shortened(credentials)}`;
}
