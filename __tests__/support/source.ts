import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from '@swc/core';
import { ROOT } from './child.js';

/** A syntax node or another value of the tree. */
type Syntax = Readonly<Record<string, unknown>>;

export interface Import {
  readonly from: string;
  /** Whether it is removed by the compiler. */
  readonly isTypeOnly: boolean;
  readonly isDynamic: boolean;
}

export interface Source {
  /** Path below `lib/`. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  /** Identifiers in expressions and types. */
  readonly identifiers: ReadonlySet<string>;
  /** Called methods and assigned properties, except those of `this`. */
  readonly touched: ReadonlySet<string>;
  readonly saysAny: boolean;
}

export function readSources(): Source[] {
  return readdirSync(join(ROOT, 'lib'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => path.replaceAll('\\', '/'))
    .sort()
    .map((path) => parseSource(path, readFileSync(join(ROOT, 'lib', path), 'utf8')));
}

/** Reads the facts of a file that the architecture rules check. */
export function parseSource(path: string, text: string): Source {
  const imports: Import[] = [];
  const identifiers = new Set<string>();
  const touched = new Set<string>();
  let saysAny = false;

  visit(parseSync(text, { syntax: 'typescript', target: 'es2022' }), (node) => {
    const { type } = node;
    if (type === 'Identifier') identifiers.add(String(node.value));
    if (type === 'TsKeywordType' && node.kind === 'any') saysAny = true;
    const found = importOf(node);
    if (found !== undefined) imports.push(found);
    const target = type === 'CallExpression' ? node.callee : type === 'AssignmentExpression' ? node.left : undefined;
    if (
      isSyntax(target) &&
      target.type === 'MemberExpression' &&
      isSyntax(target.object) &&
      isSyntax(target.property)
    ) {
      if (target.object.type !== 'ThisExpression') touched.add(String(target.property.value));
    }
  });
  return { path, text, imports, identifiers, touched, saysAny };
}

function importOf(node: Syntax): Import | undefined {
  const { type, source, callee } = node;
  if (/^(?:Import|ExportNamed|ExportAll)Declaration$/.test(String(type)) && isSyntax(source)) {
    return { from: String(source.value), isTypeOnly: isTypeOnly(node), isDynamic: false };
  }
  if (type === 'TsImportType' && isSyntax(node.argument)) {
    return { from: String(node.argument.value), isTypeOnly: true, isDynamic: false };
  }
  const isCall =
    type === 'CallExpression' && isSyntax(callee) && (callee.type === 'Import' || callee.value === 'require');
  return isCall ? { from: firstArgument(node), isTypeOnly: false, isDynamic: true } : undefined;
}

/** Whether it is `import type { … }`, or marks every name as a type. */
function isTypeOnly({ typeOnly, specifiers }: Syntax): boolean {
  if (typeOnly === true) return true;
  const names = Array.isArray(specifiers) ? specifiers : [];
  return names.length > 0 && names.every((name) => name.isTypeOnly === true);
}

function firstArgument({ arguments: args }: Syntax): string {
  const [first] = Array.isArray(args) ? args : [];
  return String(first?.expression?.value);
}

function visit(value: unknown, look: (node: Syntax) => void): void {
  if (Array.isArray(value)) {
    for (const member of value) visit(member, look);
  } else if (isSyntax(value)) {
    look(value);
    for (const member of Object.values(value)) visit(member, look);
  }
}

function isSyntax(value: unknown): value is Syntax {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
