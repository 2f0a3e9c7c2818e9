// The rooms of the library that mutants are made of, and the tests that must kill them.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '../..');

/**
 * `mutate`: the sources that are changed. `own`: test files about them, which run first. `also`: further test files, which run if all
 * of the first pass. A name that ends with a slash is a folder with its subfolders, and one that ends with a star is a folder without them.
 * A name after `!` is left out.
 */
export const ROOMS = {
  verification: {
    mutate: ['lib/verification/'],
    own: ['__tests__/verification/'],
    also: [
      '__tests__/http/actor-guards.test.ts',
      '__tests__/http/authorization-details.test.ts',
      '__tests__/http/claims-schema.test.ts',
      '__tests__/http/dpop-nonce.test.ts',
      '__tests__/http/dpop-replay.test.ts',
      '__tests__/http/dpop-url.test.ts',
      '__tests__/http/dpop.test.ts',
      '__tests__/http/mtls.test.ts',
      '__tests__/http/policy.test.ts',
      '__tests__/http/role-guards.test.ts',
      '__tests__/http/scope-matcher.test.ts',
      '__tests__/http/sender-constrained.test.ts',
      '__tests__/http/step-up.test.ts',
      '__tests__/rfc/rfc8705.test.ts',
      '__tests__/rfc/rfc9449.test.ts',
      '__tests__/rfc/rfc9470.test.ts',
    ],
  },
  credentials: {
    mutate: ['lib/credentials/'],
    own: ['__tests__/credentials/', '__tests__/regression/token-encodings.test.ts'],
    also: [
      '__tests__/http/credentials.test.ts',
      '__tests__/http/dpop-url.test.ts',
      '__tests__/http/dpop.test.ts',
      '__tests__/http/hosts.test.ts',
      '__tests__/http/mtls.test.ts',
      '__tests__/rfc/rfc6750.test.ts',
      '__tests__/rfc/rfc9110.test.ts',
      '__tests__/rfc/rfc9449.test.ts',
      '__tests__/selectors/',
    ],
  },
  middleware: {
    mutate: [
      'lib/middleware/challenge.ts',
      'lib/middleware/session.ts',
      'lib/middleware/session-binding.ts',
      'lib/middleware/guard.ts',
      'lib/middleware/guards.ts',
      'lib/middleware/role-guards.ts',
      'lib/middleware/actor-guards.ts',
      'lib/middleware/require-fresh.ts',
    ],
    own: [
      '__tests__/middleware/challenge.test.ts',
      '__tests__/middleware/guards.test.ts',
      '__tests__/middleware/require-fresh.test.ts',
      '__tests__/middleware/session.test.ts',
    ],
    also: [
      '__tests__/http/actor-guards.test.ts',
      '__tests__/http/authenticate-request.test.ts',
      '__tests__/http/authorization-details.test.ts',
      '__tests__/http/fresh.test.ts',
      '__tests__/http/guards.test.ts',
      '__tests__/http/rejections.test.ts',
      '__tests__/http/request-auth.test.ts',
      '__tests__/http/role-guards.test.ts',
      '__tests__/http/scope-matcher.test.ts',
      '__tests__/http/step-up.test.ts',
      '__tests__/mcp/token-verifier.test.ts',
      '__tests__/middleware/get-auth.test.ts',
      '__tests__/regression/several-middlewares.test.ts',
      '__tests__/regression/wiring.test.ts',
      '__tests__/rfc/rfc6750.test.ts',
      '__tests__/rfc/rfc9470.test.ts',
    ],
  },
  cache: {
    mutate: ['lib/cache/*'],
    own: ['__tests__/cache/*'],
    // Tests over HTTP are slow, and they test what these test.
    also: [],
  },
  'shared-cache': {
    mutate: ['lib/cache/shared/'],
    own: ['__tests__/cache/shared/'],
    also: ['__tests__/http/fleet.test.ts', '__tests__/regression/fleet.test.ts'],
  },
  introspection: {
    mutate: [
      'lib/introspection/response.ts',
      'lib/introspection/response-claims.ts',
      'lib/introspection/circuit-breaker.ts',
      'lib/introspection/circuit-state.ts',
    ],
    own: [
      '__tests__/introspection/response.test.ts',
      '__tests__/introspection/response.property.test.ts',
      '__tests__/introspection/response-claims.test.ts',
      '__tests__/introspection/circuit-breaker.test.ts',
      '__tests__/introspection/circuit-breaker.property.test.ts',
    ],
    also: [
      '__tests__/http/circuit-breaker.test.ts',
      '__tests__/introspection/client.test.ts',
      '__tests__/regression/breaker-abuse.test.ts',
      '__tests__/regression/responses.test.ts',
      '__tests__/rfc/rfc7662.test.ts',
    ],
  },
  signals: {
    mutate: [
      'lib/signals/',
      '!lib/signals/poll-client.ts',
      '!lib/signals/poll-pause.ts',
      '!lib/signals/poll-security-events.ts',
    ],
    own: [
      '__tests__/signals/',
      // Slow, and they test what the others test.
      '!__tests__/signals/hostile-tokens.test.ts',
      '!__tests__/signals/no-leaks.test.ts',
      '!__tests__/signals/poll-client.test.ts',
      '!__tests__/signals/poll-pause.test.ts',
      '!__tests__/signals/poll-security-events.fake-transmitter.test.ts',
      '!__tests__/signals/poll-security-events.test.ts',
    ],
    also: [],
  },
  polling: {
    mutate: ['lib/signals/poll-client.ts', 'lib/signals/poll-pause.ts', 'lib/signals/poll-security-events.ts'],
    own: [
      '__tests__/signals/poll-client.test.ts',
      '__tests__/signals/poll-pause.test.ts',
      '__tests__/signals/poll-security-events.fake-transmitter.test.ts',
    ],
    also: ['__tests__/signals/poll-security-events.test.ts'],
  },
  streams: {
    mutate: ['lib/streams/'],
    own: [
      '__tests__/streams/end-response.test.ts',
      '__tests__/streams/end-with-token.fake-response.test.ts',
      '__tests__/streams/options.test.ts',
      '__tests__/streams/stream-guard.test.ts',
      '__tests__/streams/waiting-response.test.ts',
    ],
    also: [
      '__tests__/streams/end-with-token.property.test.ts',
      '__tests__/streams/end-with-token.test.ts',
      '__tests__/streams/http2.test.ts',
    ],
  },
};

/** The files of a room, relative to the folder of the project. */
export function filesOf({ mutate, own, also }) {
  return {
    mutate: select(mutate, '.ts'),
    stages: [own, also].map((names) => select(names, '.test.ts')),
  };
}

function select(names, ending) {
  const files = names.filter((name) => !name.startsWith('!')).flatMap((name) => list(name, ending));
  return files.filter((file) => !names.includes(`!${file}`));
}

function list(name, ending) {
  const [, folder, star] = /^(.*\/)(\*?)$/.exec(name) ?? [];
  if (folder === undefined) return [name];
  const names = readdirSync(join(root, folder), { recursive: star === '' }).sort();
  return names.filter((file) => file.endsWith(ending)).map((file) => `${folder}${file}`);
}
