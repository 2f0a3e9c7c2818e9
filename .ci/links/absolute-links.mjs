/** URLs of files, by the host of the repository. `HEAD` is its default branch. */
const HOSTS = {
  'github.com': {
    page: (path) => `https://github.com/${path}/blob/HEAD/`,
    image: (path) => `https://raw.githubusercontent.com/${path}/HEAD/`,
  },
  'gitlab.com': {
    page: (path) => `https://gitlab.com/${path}/-/blob/HEAD/`,
    image: (path) => `https://gitlab.com/${path}/-/raw/HEAD/`,
  },
};

const MARKDOWN = /(!?)\[((?:[^\]\\`]|\\.|`[^`]*`)*)\]\(([^)\s]+)\)/g;
const HTML_IMAGE = /(<(?:img|source)\b[^>]*?\b(?:src|srcset)=")([^"]+)"/g;
const CODE_BLOCK = /^```[\s\S]*?^```$/gm;
const ABSOLUTE = /^(?:[a-z][a-z0-9+.-]*:|#|\/\/)/i;

/**
 * Rewrites relative links and images of a document in the top folder. Code blocks stay as they are.
 *
 * @param {string} markdown
 * @param {string | { url?: string } | undefined} repository as in package.json; `undefined` leaves the document as it is
 * @throws Error for a host whose URLs are not known
 */
export function absoluteLinks(markdown, repository) {
  if (repository === undefined) return markdown;
  const { page, image } = basesOf(repository);
  const at = (base, target) => (ABSOLUTE.test(target) ? target : `${base}${target.replace(/^\.\//, '')}`);
  const inProse = (text) =>
    text
      .replace(MARKDOWN, (_, mark, label, target) => `${mark}[${label}](${at(mark === '' ? page : image, target)})`)
      .replace(HTML_IMAGE, (_, before, target) => `${before}${at(image, target)}"`);
  let end = 0;
  let result = '';
  for (const { index, 0: block } of markdown.matchAll(CODE_BLOCK)) {
    result += inProse(markdown.slice(end, index)) + block;
    end = index + block.length;
  }
  return result + inProse(markdown.slice(end));
}

function basesOf(repository) {
  const text = typeof repository === 'string' ? repository : String(repository.url);
  const url = text
    .replace(/^(?:github:)?([\w.-]+\/[\w.-]+)$/, 'https://github.com/$1')
    .replace(/^gitlab:/, 'https://gitlab.com/')
    .replace(/^git\+/, '')
    .replace(/^(?:ssh:\/\/)?git@([^:/]+)[:/]/, 'https://$1/')
    .replace(/^git:/, 'https:');
  const { hostname, pathname } = URL.canParse(url) ? new URL(url) : {};
  const path = pathname?.replace(/^\/|\/$/g, '').replace(/\.git$/, '');
  const host = Object.hasOwn(HOSTS, hostname ?? '') ? HOSTS[hostname] : undefined;
  if (host === undefined || !path?.includes('/')) {
    throw new Error(
      `package.json: the README's links cannot be made absolute for the repository ${text}. Known hosts are ${Object.keys(HOSTS).join(', ')}; add another one to .ci/links/absolute-links.mjs.`,
    );
  }
  return { page: host.page(path), image: host.image(path) };
}
