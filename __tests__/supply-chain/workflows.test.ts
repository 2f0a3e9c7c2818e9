import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../support/child.js';
import { page } from '../support/pages.js';

const FOLDER = '.github/workflows';
const WORKFLOWS = readdirSync(join(ROOT, FOLDER)).map((name) => [name, page(`${FOLDER}/${name}`)] as const);

const USES = /^\s*(?:- )?['"]?uses['"]?\s*:.*$/gm;
const PINNED = /^\s*(?:- )?uses: actions\/(?:checkout|setup-node)@[0-9a-f]{40} # v\d+\.\d+\.\d+$/;

/** Names under which workflows read secrets, and the tokens that trusted publishing replaces. */
const SECRETS = /\bsecrets\b|github\.token|GITHUB_TOKEN|NODE_AUTH_TOKEN|NPM_TOKEN|_authToken|_password/i;

describe('the workflows', () => {
  it('are one for changes and one for releases', () => {
    expect(WORKFLOWS.map(([name]) => name).sort()).toEqual(['ci.yml', 'release.yml']);
  });

  it.each(WORKFLOWS)('%s pins every action by its full commit hash, with the version', (_, text) => {
    const lines = text.match(USES) ?? [];
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.filter((line) => !PINNED.test(line))).toEqual([]);
  });

  it('use one hash for each action and version', () => {
    const pins = WORKFLOWS.flatMap(([, text]) => [...text.matchAll(/uses: (\S+)@(\S+) # (\S+)/g)]);
    const byAction = new Map(pins.map(([, action, hash, version]) => [action, `${hash} ${version}`]));
    expect(pins.filter(([, action, hash, version]) => byAction.get(action) !== `${hash} ${version}`)).toEqual([]);
  });

  it.each(WORKFLOWS)('%s mentions no secret', (_, text) => {
    expect(text).not.toMatch(SECRETS);
  });

  it.each(WORKFLOWS)('%s may write nothing, and leaves no credentials in the checkout', (_, text) => {
    expect(text).toMatch(/^permissions:(?: \{\}|\n {2}contents: read)$/m);
    const written = [...text.matchAll(/^\s+([\w-]+): write$/gm)].map(([, name]) => name);
    expect(written.filter((name) => name !== 'id-token')).toEqual([]);
    expect(text.match(/persist-credentials: false/g)).toHaveLength(text.match(/actions\/checkout@/g)?.length ?? 0);
  });

  it.each(WORKFLOWS)('%s runs no text of a pull request, and gives strangers no rights', (_, text) => {
    expect(text).not.toMatch(/pull_request_target|workflow_run|github\.event|github\.head_ref/);
  });

  it('run every check, and refuse a registry that cannot be asked for vulnerabilities', () => {
    for (const [, text] of WORKFLOWS) {
      expect(text).toMatch(/^ +- run: bash \.ci\/run$/m);
      expect(text).toMatch(/^ +- run: node \.ci\/audit\.mjs --required$/m);
    }
  });

  it('ask for an identity token only in the job that publishes, which runs no scripts of dependencies', () => {
    const release = page(`${FOLDER}/release.yml`);
    const [check = '', publish = ''] = release.split('\n  publish:\n');
    expect(check).not.toContain('id-token');
    expect(publish).toMatch(/needs: check\n/);
    expect(publish).toContain('id-token: write');
    expect(publish).toContain('npm ci --ignore-scripts');
    expect(page(`${FOLDER}/ci.yml`)).not.toContain('id-token');
  });
});

it('.nvmrc names the lowest major version of Node that the package supports', () => {
  const { engines } = JSON.parse(page('package.json')) as { engines: { node: string } };
  expect(engines.node).toMatch(new RegExp(`^>=${page('.nvmrc').trim()}\\.`));
});
