import { finding, type ProbeCase, type ProbeContext, parameter, skipped } from '../probe-case.js';
import type { ProbeResponse } from '../send.js';

const NOT_OFFERED = 'the challenge names no metadata (resource_metadata)';

/** URL of the metadata in the challenge; `undefined` if there is none, `null` if it is invalid. */
async function findMetadata({ send }: ProbeContext): Promise<URL | null | undefined> {
  const text = parameter(await send({}), 'resource_metadata');
  if (text === undefined) return undefined;
  return URL.canParse(text) ? new URL(text) : null;
}

/** Loads the metadata. Only the probed origin is asked: a response must not send the probe elsewhere. */
async function loadMetadata(context: ProbeContext): Promise<ProbeResponse | string> {
  const found = await findMetadata(context);
  if (!found) return NOT_OFFERED;
  if (found.origin !== context.url.origin) return 'the metadata are on another origin, which is not asked';
  return context.send({ target: found.pathname + found.search });
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the URL is the resource, or below it. */
function belongsTo(url: URL, resource: unknown): boolean {
  if (typeof resource !== 'string' || !URL.canParse(resource)) return false;
  const { origin, pathname } = new URL(resource);
  return url.origin === origin && `${url.pathname}/`.startsWith(pathname.replace(/\/?$/, '/'));
}

/** Protected resource metadata, if the challenge names them. */
export const METADATA: readonly ProbeCase[] = [
  {
    id: 'metadata-url',
    title: 'URL of the metadata',
    section: 'RFC 9728 section 5.1',
    rule: 'resource_metadata in the challenge is a complete URL.',
    remedy: 'Write a URL with scheme and host. Behind a proxy, write the one that clients use.',
    async run(context) {
      const found = await findMetadata(context);
      if (found === undefined) return skipped(NOT_OFFERED);
      return finding(await context.send({}), found !== null);
    },
  },
  {
    id: 'metadata',
    title: 'Metadata without a token',
    section: 'RFC 9728 section 3.2',
    rule: 'Everybody can load the metadata: status 200, and a JSON object of the type application/json.',
    remedy: 'Serve the metadata before the middleware: protectedResourceMetadata().',
    async run(context) {
      const response = await loadMetadata(context);
      if (typeof response === 'string') return skipped(response);
      const type = response.header('content-type') ?? 'none';
      const isJson = /^application\/json\b/i.test(type) && parseObject(response.body) !== undefined;
      return finding(response, response.status === 200 && isJson, `${response.status}, Content-Type: ${type}`);
    },
  },
  {
    id: 'metadata-resource',
    title: 'Resource in the metadata',
    section: 'RFC 9728 section 3.3',
    rule: 'resource is the URL of the API that the client asked. Clients refuse metadata of another resource.',
    remedy: 'Write in resource the URL that clients use, with its scheme, host and path.',
    async run(context) {
      const response = await loadMetadata(context);
      if (typeof response === 'string') return skipped(response);
      const resource = parseObject(response.body)?.resource;
      return finding(response, belongsTo(context.url, resource), `resource: ${JSON.stringify(resource)}`);
    },
  },
];
