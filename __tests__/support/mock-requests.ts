import type { IncomingMessage, ServerResponse } from 'node:http';
import httpMocks from 'node-mocks-http';
import type { Guard, TokenIntrospectionOptions } from '../../lib/index.js';
import { fakeAuthorizationServer } from '../../lib/testing/index.js';
import { createAuthenticate } from './api.js';

/** Middleware that asks a fake authorization server, and a token that the server has issued. There is no connection. */
export function createFakeSetup(
  claims: Record<string, unknown> = {},
  options: Partial<TokenIntrospectionOptions> = {},
) {
  const server = fakeAuthorizationServer();
  const endpoint = { url: 'https://as.example.com/introspect' };
  const authenticate = createAuthenticate(endpoint, { dispatcher: server.dispatcher, ...options });
  return { server, authenticate, token: server.issue(claims) };
}

/** A request that the middleware has authenticated. */
export async function createAuthenticatedRequest(authenticate: Guard, token: string): Promise<IncomingMessage> {
  const req = httpMocks.createRequest({ headers: { authorization: `Bearer ${token}` } }) as unknown as IncomingMessage;
  await new Promise((resolve) => authenticate(req, httpMocks.createResponse() as never, resolve));
  return req;
}

/** Calls a guard, and returns the arguments of each call of `next` so far, and the response. */
export function callGuard(guard: Guard, req: object) {
  const res = httpMocks.createResponse();
  const passed: unknown[][] = [];
  guard(req as IncomingMessage, res as unknown as ServerResponse, (...values) => passed.push(values));
  return { passed, res };
}

/** Calls a middleware or a guard, and gives the fake authorization server a few turns of the event loop to respond. */
export async function callAndWait(middleware: Guard, req: object) {
  const called = callGuard(middleware, req);
  const isOver = () => called.passed.length > 0 || called.res.writableEnded;
  const isSynchronous = isOver();
  for (let turn = 0; turn < 50 && !isOver(); turn++) await new Promise((resolve) => setImmediate(resolve));
  return { ...called, isSynchronous };
}
