/** A string of JavaScript with this scope. Scopes contain no backslashes and line breaks. */
export function quoted(scope: string): string {
  return `'${scope.replaceAll("'", "\\'")}'`;
}
