/** A JavaScript string literal of a scope. It escapes only quotes, because scopes contain no backslashes or line breaks. */
export function quoted(scope: string): string {
  return `'${scope.replaceAll("'", "\\'")}'`;
}
