import { evaluate } from '../support/evaluate.js';
import { page } from '../support/pages.js';

interface Sbom {
  readonly components: readonly { readonly name: string; readonly version: string; readonly purl: string }[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
}

const INTEGRITY = `sha512-${Buffer.alloc(64, 7).toString('base64')}`;
const entry = (version: string, more: object = {}) => ({ version, license: 'MIT', integrity: INTEGRITY, ...more });

/** The bill of materials for the packages of a lock file. */
function sbomOf(packages: object): Sbom {
  const lock = { packages };
  const manifest = { name: 'example', version: '1.0.0', license: 'MIT', description: 'An example' };
  const text = evaluate(
    '.ci/sbom.mjs',
    `module.softwareBillOfMaterials(${JSON.stringify(manifest)}, ${JSON.stringify(lock)})`,
  );
  return JSON.parse(text as string) as Sbom;
}

describe('the software bill of materials', () => {
  it('lists exactly the dependencies of this package, with the versions of the lock file', () => {
    const { components } = JSON.parse(evaluate('.ci/sbom.mjs', 'module.currentSbom()') as string) as Sbom;
    const { dependencies } = JSON.parse(page('package.json')) as { dependencies: object };
    const { packages } = JSON.parse(page('package-lock.json')) as { packages: Record<string, { version: string }> };
    expect(components.map(({ name, version }) => [name, version])).toEqual(
      Object.keys(dependencies).map((name) => [name, packages[`node_modules/${name}`]?.version]),
    );
  });

  it('is the same in every run, and holds no date', () => {
    const [first, second] = [1, 2].map(() => evaluate('.ci/sbom.mjs', 'module.currentSbom()') as string);
    expect(first).toBe(second);
    expect(first).not.toMatch(/timestamp|serialNumber|\d{4}-\d\d-\d\d/);
  });

  it('follows dependencies of dependencies to the nearest folder, and leaves out what only developers need', () => {
    const { components, dependencies } = sbomOf({
      '': { dependencies: { a: '1', '@scope/b': '1' }, devDependencies: { tool: '1' } },
      'node_modules/a': entry('1.0.0', { dependencies: { c: '2' } }),
      'node_modules/a/node_modules/c': entry('2.0.0', { dependencies: { d: '1' } }),
      'node_modules/@scope/b': entry('1.1.0', { dependencies: { c: '1' } }),
      'node_modules/c': entry('1.0.0'),
      'node_modules/d': entry('4.0.0'),
      'node_modules/tool': entry('9.0.0'),
    });
    expect(components.map(({ purl }) => purl).sort()).toEqual([
      'pkg:npm/%40scope/b@1.1.0',
      'pkg:npm/a@1.0.0',
      'pkg:npm/c@1.0.0',
      'pkg:npm/c@2.0.0',
      'pkg:npm/d@4.0.0',
    ]);
    expect(dependencies).toContainEqual({ ref: 'pkg:npm/c@2.0.0', dependsOn: ['pkg:npm/d@4.0.0'] });
    expect(dependencies).toContainEqual({ ref: 'pkg:npm/%40scope/b@1.1.0', dependsOn: ['pkg:npm/c@1.0.0'] });
  });

  it.each([
    ['a dependency is missing', { '': { dependencies: { a: '1' } } }, /a is missing in package-lock.json/],
    [
      'a hash is weak',
      { '': { dependencies: { a: '1' } }, 'node_modules/a': entry('1.0.0', { integrity: 'sha1-7f1cYQ==' }) },
      /hash that is not SHA-512/,
    ],
  ])('is not written if %s', (_, packages, message) => {
    expect(() => sbomOf(packages)).toThrow(message);
  });

  it('is written when the package is packed, and is part of it', () => {
    const { scripts, files } = JSON.parse(page('package.json')) as { scripts: { prepack: string }; files: string[] };
    expect(scripts.prepack).toContain('node .ci/sbom.mjs');
    expect(files).toContain('sbom.cdx.json');
  });
});
