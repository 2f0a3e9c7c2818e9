/** Returns a scope as a JavaScript string literal. Only single quotes are escaped, because scopes contain no backslashes or line breaks. */
export function quoted(scope: string): string {
  return `'${scope.replaceAll("'", "\\'")}'`;
}
