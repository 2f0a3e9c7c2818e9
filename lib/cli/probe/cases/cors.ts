import { finding, isSuccess, type ProbeCase, type ProbeContext, rejects, skipped } from '../probe-case.js';
import type { ProbeResponse } from '../send.js';

/** An origin that no API lists, so that only an open policy allows it. */
const ORIGIN = 'https://probe.example';

const ALLOWED = 'access-control-allow-origin';

const PREFLIGHT = {
  method: 'OPTIONS',
  headers: {
    Origin: ORIGIN,
    'Access-Control-Request-Method': 'GET',
    'Access-Control-Request-Headers': 'authorization',
  },
} as const;

const CORS_FIRST = 'Mount CORS before the middleware for tokens, so that it handles preflights and rejections.';

const NOT_OFFERED = `CORS is not offered to ${ORIGIN}`;

/** The response to a preflight; `undefined` if the API offers no CORS to our origin. */
async function preflight({ send }: ProbeContext): Promise<ProbeResponse | undefined> {
  const response = await send(PREFLIGHT);
  return response.header(ALLOWED) === undefined ? undefined : response;
}

/** Requests of a browser from another origin. */
export const CORS: readonly ProbeCase[] = [
  {
    id: 'preflight',
    title: 'Preflight of a browser',
    section: 'Fetch section 3.3.2',
    rule: 'A preflight never has a token, so an API that offers CORS answers it with 2xx.',
    remedy: CORS_FIRST,
    async run({ send }) {
      const rejected = await send({ headers: { Origin: ORIGIN } });
      const response = await send(PREFLIGHT);
      if ((rejected.header(ALLOWED) ?? response.header(ALLOWED)) === undefined) return skipped(NOT_OFFERED);
      return finding(response, isSuccess(response));
    },
  },
  {
    id: 'preflight-authorization',
    title: 'Authorization in the preflight',
    section: 'Fetch section 3.3.3',
    rule: 'Access-Control-Allow-Headers names Authorization. The asterisk does not include it.',
    remedy: 'Add Authorization to the allowed headers.',
    async run(context) {
      const response = await preflight(context);
      if (response === undefined || !isSuccess(response)) return skipped(NOT_OFFERED);
      const allowed = response.header('access-control-allow-headers') ?? 'none';
      return finding(response, /\bauthorization\b/i.test(allowed), `Access-Control-Allow-Headers: ${allowed}`);
    },
  },
  {
    id: 'cors-rejection',
    title: 'Rejection that a browser can read',
    section: 'Fetch section 3.3.3',
    rule: 'If the preflight allows an origin, a 401 has Access-Control-Allow-Origin too. Else scripts see only a failure.',
    remedy: CORS_FIRST,
    async run(context) {
      if ((await preflight(context)) === undefined) return skipped(NOT_OFFERED);
      const response = await context.send({ headers: { Origin: ORIGIN } });
      const allowed = response.header(ALLOWED);
      return finding(
        response,
        allowed !== undefined,
        `${response.status}, Access-Control-Allow-Origin: ${allowed ?? 'none'}`,
      );
    },
  },
  {
    id: 'cors-challenge',
    title: 'Challenge that a browser can read',
    section: 'Fetch section 3.3.3',
    rule: 'Scripts of another origin see WWW-Authenticate only if Access-Control-Expose-Headers names it.',
    remedy: 'Add WWW-Authenticate to the exposed headers.',
    async run({ send }) {
      const response = await send({ headers: { Origin: ORIGIN } });
      if (response.header(ALLOWED) === undefined) return skipped(NOT_OFFERED);
      const exposed = response.header('access-control-expose-headers') ?? 'none';
      return finding(response, /\bwww-authenticate\b/i.test(exposed), `Access-Control-Expose-Headers: ${exposed}`);
    },
  },
  {
    id: 'cors-credentials',
    title: 'Cookies of another origin',
    section: 'Fetch section 3.3.3',
    rule: 'An API for access tokens does not let every origin send cookies.',
    remedy: 'Leave Access-Control-Allow-Credentials out, or allow only origins from a list.',
    async run(context) {
      const response = await preflight(context);
      if (response === undefined) return skipped(NOT_OFFERED);
      const credentials = response.header('access-control-allow-credentials') ?? 'none';
      const isOpen = credentials.trim() === 'true' && response.header(ALLOWED) === ORIGIN;
      return finding(response, !isOpen, `Access-Control-Allow-Credentials: ${credentials}`);
    },
  },
  {
    id: 'preflight-header-with-get',
    title: 'GET with the header of a preflight',
    section: 'Fetch section 3.3.2',
    rule: 'Only OPTIONS can be a preflight. A GET with its headers needs a token.',
    remedy: 'Let only OPTIONS pass without a token.',
    run: rejects(() => ({ headers: PREFLIGHT.headers }), [401]),
  },
];
