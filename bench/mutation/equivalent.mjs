/**
 * Mutants that no test can kill, because they change nothing that a caller can see. `line`, `original` and `replacement` are printed
 * by `npm run mutation`. `times` is the number of such mutants on lines with the same text, 1 by default.
 */
export const EQUIVALENT = [
  {
    file: 'lib/credentials/dpop-request.ts',
    mutator: 'StringLiteral',
    line: "const path = (ownMember(req, 'originalUrl') as string | undefined) ?? req.url ?? '';",
    original: "''",
    replacement: '"Stryker was here!"',
    reason: 'A path that does not begin with a slash gives no URL, exactly like an empty path.',
  },
  {
    file: 'lib/credentials/headers.ts',
    mutator: 'ConditionalExpression',
    line: 'return value.charCodeAt(scheme.length) === SPACE || !TOKEN_CHARACTER.test(value.charAt(scheme.length));',
    original: 'value.charCodeAt(scheme.length) === SPACE',
    replacement: 'false',
    reason: 'A space is no token character, so the second condition is true for it. The first is only faster.',
  },
  {
    file: 'lib/credentials/headers.ts',
    mutator: 'ArrayDeclaration',
    line: 'const lines = rawHeaders ?? [];',
    original: '[]',
    replacement: '["Stryker was here"]',
    reason: 'A list with one name is as little repeated as an empty list.',
  },
  {
    file: 'lib/credentials/headers.ts',
    mutator: 'ConditionalExpression',
    line: 'if (name.length !== header.length || name.toLowerCase() !== header) continue;',
    original: 'name.length !== header.length',
    replacement: 'false',
    reason:
      'Names of header fields are ASCII, so a name of another length also differs in lower case. The length is only faster.',
  },
  {
    file: 'lib/credentials/request-target.ts',
    mutator: 'StringLiteral',
    line: "const { url = '' } = req;",
    original: "''",
    replacement: '"Stryker was here!"',
    reason: 'Neither text is a path or an absolute URL, so both give an empty host and an empty path.',
  },
  {
    file: 'lib/credentials/request-target.ts',
    mutator: 'ArrayDeclaration',
    line: "const [, authority = '', path = ''] = ABSOLUTE.exec(target) ?? [];",
    original: '[]',
    replacement: '["Stryker was here"]',
    reason: 'The first item of the list is not used.',
  },
];
