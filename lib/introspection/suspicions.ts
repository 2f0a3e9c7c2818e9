import { IntrospectionError } from '../errors.js';
import { createAlarm } from '../observe/misconfiguration.js';
import { remedyFor } from '../observe/remedies.js';
import type { TokenRecord } from '../types.js';
import { takes } from './authorization-server.js';

/** Looks at what comes back for what only an operator can mend, and tells of it. */
export interface Suspicions {
  about(record: TokenRecord): void;
  aboutFailure(error: unknown): void;
  aboutMethods(advertised: readonly string[] | undefined): void;
}

/** So many answers in a row from the start, and not one active. */
const SAMPLE = 100;

/** A page, a redirect, a wrong path: what an introspection endpoint never answers. */
const NOT_AN_ENDPOINT = /^(?:media type|redirect|not JSON|HTTP (?:3\d\d|404|405))$/;

export function createSuspicions(methods: readonly string[] | undefined): Suspicions {
  const clientRejected = createAlarm('CLIENT_REJECTED');
  const notAnEndpoint = createAlarm('NOT_AN_ENDPOINT');
  const methodNotAdvertised = createAlarm('METHOD_NOT_ADVERTISED');
  const allInactive = createAlarm('ALL_INACTIVE');
  let inactive = 0;

  return {
    about({ active }) {
      if (active) inactive = Number.NEGATIVE_INFINITY;
      else if (++inactive === SAMPLE) {
        allInactive(
          `The endpoint has called each of ${SAMPLE} tokens inactive. If there were good ones among them: many servers say so ` +
            'to every client that a token is not meant for, some to wrong credentials, and all to tokens of another server.',
        );
      }
    },
    aboutFailure(error) {
      if (!(error instanceof IntrospectionError)) return;
      const { code, detail = '' } = error;
      const alarm =
        code === 'client_rejected'
          ? clientRejected
          : code === 'bad_response' && NOT_AN_ENDPOINT.test(detail)
            ? notAnEndpoint
            : undefined;
      alarm?.(`${PREAMBLE} ${remedyFor(code, detail)}`, detail);
    },
    aboutMethods(advertised) {
      if (takes(advertised, methods)) return;
      methodNotAdvertised(
        'The metadata of the authorization server do not name the configured "clientAuth" ' +
          `(${methods?.join(' or ')}) among the methods that its introspection endpoint takes.`,
      );
    },
  };
}

const PREAMBLE = 'The introspection endpoint cannot be asked, and requests are answered 503.';
