import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './support/child.js';
import { createFolder } from './support/command.js';

const README = readFileSync(join(ROOT, 'README.md'), 'utf8');

const EXAMPLE = `[options](docs/options.md#cache), [\`check\`](docs/checking.md), [site](https://example.com), [below](#options)

![chart](bench/results/chart.svg)
<source media="(prefers-color-scheme: dark)" srcset="docs/images/dark.png">
<img src="docs/images/light.png" alt="the page">

\`\`\`md
[in code](docs/options.md)
\`\`\`

[license](./LICENSE)
`;

/** A project with the script and this README. */
function createProject(readme: string, manifest: object) {
  const folder = createFolder();
  for (const name of ['.ci/links.mjs', '.ci/links']) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  writeFileSync(join(folder, 'README.md'), readme);
  writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest));
  return {
    folder,
    read: () => readFileSync(join(folder, 'README.md'), 'utf8'),
    run(words: readonly string[] = [], env: Record<string, string> = {}) {
      const { PATH } = process.env;
      return spawnSync(process.execPath, ['.ci/links.mjs', ...words], {
        cwd: folder,
        encoding: 'utf8',
        env: { PATH, ...env },
      });
    },
  };
}

describe('the links of the README, when the package is packed,', () => {
  it('stay relative as long as the repository is not known', () => {
    const project = createProject(README, {});
    expect(project.run().status).toBe(0);
    expect(project.read()).toBe(README);
    expect(readdirSync(project.folder).sort()).toEqual(['.ci', 'README.md', 'package.json']);
  });

  it.each([
    'github:acme/auth',
    'acme/auth',
    'https://github.com/acme/auth',
    'git+https://github.com/acme/auth.git',
    'git+ssh://git@github.com/acme/auth.git',
    'git@github.com:acme/auth.git',
    'git://github.com/acme/auth.git',
  ])('become absolute for the repository %s, except in code', (url) => {
    for (const repository of [url, { type: 'git', url }]) {
      const project = createProject(EXAMPLE, { repository });
      expect(project.run()).toMatchObject({ status: 0, stderr: '' });
      const [page, image] = [
        'https://github.com/acme/auth/blob/HEAD',
        'https://raw.githubusercontent.com/acme/auth/HEAD',
      ];
      expect(
        project.read(),
      ).toBe(`[options](${page}/docs/options.md#cache), [\`check\`](${page}/docs/checking.md), [site](https://example.com), [below](#options)

![chart](${image}/bench/results/chart.svg)
<source media="(prefers-color-scheme: dark)" srcset="${image}/docs/images/dark.png">
<img src="${image}/docs/images/light.png" alt="the page">

\`\`\`md
[in code](docs/options.md)
\`\`\`

[license](${page}/LICENSE)
`);
    }
  });

  it('become absolute for a repository at GitLab', () => {
    const project = createProject('[a](b.md) ![c](d.png)', { repository: 'https://gitlab.com/acme/group/auth' });
    project.run();
    const base = 'https://gitlab.com/acme/group/auth/-';
    expect(project.read()).toBe(`[a](${base}/blob/HEAD/b.md) ![c](${base}/raw/HEAD/d.png)`);
  });

  it('are all absolute or within the page afterwards', () => {
    const project = createProject(README, { repository: 'github:acme/auth' });
    project.run();
    const targets = [...project.read().matchAll(/\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)"/g)].map((match) =>
      String(match[1] ?? match[2]),
    );
    expect(targets.length).toBeGreaterThan(40);
    expect(targets.filter((target) => !/^(?:https:\/\/|#)/.test(target))).toEqual([]);
  });

  it('are restored, and rewriting them twice changes nothing more', () => {
    const project = createProject(README, { repository: 'github:acme/auth' });
    project.run();
    const rewritten = project.read();
    project.run();
    expect(project.read()).toBe(rewritten);
    project.run(['--restore']);
    expect(project.read()).toBe(README);
    project.run(['--restore']);
    expect(project.read()).toBe(README);
  });

  it('stay absolute after postpack of npm publish, which then reads the README again', () => {
    const project = createProject(README, { repository: 'github:acme/auth' });
    project.run();
    const rewritten = project.read();
    project.run(['--restore'], { npm_command: 'publish', npm_lifecycle_event: 'postpack' });
    expect(project.read()).toBe(rewritten);
    project.run(['--restore'], { npm_command: 'publish', npm_lifecycle_event: 'postpublish' });
    expect(project.read()).toBe(README);
  });

  it('are not guessed for an unknown host', () => {
    const project = createProject(README, { repository: 'https://git.example.com/acme/auth' });
    const { status, stderr } = project.run();
    expect(status).not.toBe(0);
    expect(stderr).toContain('Known hosts are github.com, gitlab.com');
    expect([project.read(), existsSync(join(project.folder, 'node_modules'))]).toEqual([README, false]);
  });
});
