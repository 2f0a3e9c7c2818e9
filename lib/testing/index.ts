export type { FakeFailure } from './failures.js';
export {
  type FakeAuthorizationServer,
  type FakeAuthorizationServerOptions,
  fakeAuthorizationServer,
} from './fake-authorization-server.js';
export type { FakeClaims, FakeReply, FakeRequest } from './replies.js';
