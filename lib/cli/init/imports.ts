import type { Choices, Framework } from './choices.js';

/** One import of the generated code. */
export interface Import {
  readonly from: string;
  /** Name in the generated code for the whole module, such as `express`. */
  readonly whole?: string;
  readonly names?: readonly string[];
  /**
   * Types that generated TypeScript imports by name if it is an ES module. CommonJS code reads the types from the whole module instead,
   * such as `express.Request`.
   */
  readonly types?: readonly string[];
}

const LIBRARY = 'express-token-introspection';

/** Returns the imports that the generated code needs: of the framework, the library and the preset. */
export function importsOf(framework: Framework, names: readonly string[], preset: string | undefined): Import[] {
  const library = { from: LIBRARY, whole: 'library', names: [...names].sort(ignoringCase) };
  return [
    framework === 'node'
      ? { from: 'node:http', whole: 'http', names: ['createServer'] }
      : { from: 'express', whole: 'express', types: ['NextFunction', 'Request', 'Response'] },
    library,
    ...(preset === undefined ? [] : [{ from: `${LIBRARY}/providers`, whole: 'providers', names: [preset] }]),
  ];
}

/** Returns the lines of code for the imports, in the chosen language and module system. */
export function importLines(imports: readonly Import[], { isTypeScript, isCommonJs }: Choices): string {
  const line = !isCommonJs ? importLine : isTypeScript ? importRequireLine : requireLine;
  return imports.map((each) => line(each, isTypeScript)).join('\n');
}

function importLine({ from, whole, names = [], types = [] }: Import, isTypeScript: boolean): string {
  const members = [...names, ...(isTypeScript ? types.map((type) => `type ${type}`) : [])];
  // If an import has `names`, only these names are imported, not the whole module.
  const parts = [...(names.length === 0 && whole ? [whole] : []), ...(members.length > 0 ? [braced(members)] : [])];
  return `import ${parts.join(', ')} from '${from}';`;
}

function requireLine({ from, whole, names = [] }: Import): string {
  return `const ${names.length === 0 ? whole : braced(names)} = require('${from}');`;
}

/** Returns an import in the form `import … = require(…)`, which TypeScript accepts in CommonJS with every compiler setting. */
function importRequireLine({ from, whole, names = [] }: Import): string {
  const line = `import ${whole} = require('${from}');`;
  return names.length === 0 ? line : `${line}\nconst ${braced(names)} = ${whole};`;
}

function braced(names: readonly string[]): string {
  return `{ ${names.join(', ')} }`;
}

function ignoringCase(a: string, b: string): number {
  return a.toLowerCase() < b.toLowerCase() ? -1 : 1;
}
