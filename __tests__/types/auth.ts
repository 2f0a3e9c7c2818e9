// Compiled, never run. Checks the types of `req.auth` in handlers.
import express, { type Request } from 'express';
import { z } from 'zod';
import {
  type Actor,
  type Auth,
  type AuthOf,
  getActor,
  getAuth,
  noClientAuth,
  requireActor,
  requireRole,
  tokenIntrospection,
} from '../../lib/index.js';
import '../../lib/express.js';

/** Whether two types are identical. It also distinguishes `any` and readonly. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const required = {
  endpoint: 'https://as.example.com/introspect',
  clientAuth: noClientAuth(),
  audience: false,
} as const;
const Tenancy = z.object({ tenant: z.string(), roles: z.array(z.enum(['reader', 'writer'])) });

const authenticate = tokenIntrospection({ ...required, claims: Tenancy });
const plain = tokenIntrospection(required);

export function typesTheClaimsOfRfc7662(req: Request) {
  const auth = getAuth(req);
  true satisfies Same<typeof auth, Auth>;
  const { sub, scope, exp, aud, cnf } = auth;
  true satisfies Same<typeof sub, string | undefined>;
  true satisfies Same<typeof scope, string>;
  true satisfies Same<typeof exp, number | undefined>;
  true satisfies Same<typeof aud, string | readonly string[] | undefined>;
  true satisfies Same<typeof cnf, unknown>;
}

export function typesTheClaimsOfTheSchema(req: Request) {
  const { tenant, roles, scope, sub } = getAuth(req, authenticate);
  true satisfies Same<typeof tenant, string>;
  true satisfies Same<typeof roles, ('reader' | 'writer')[]>;
  true satisfies Same<typeof scope, string>;
  true satisfies Same<typeof sub, string | undefined>;
  // @ts-expect-error a tenant is a string
  const wrong: number = getAuth(req, authenticate).tenant;
  return wrong;
}

export function typesOtherClaimsAsUnknown(req: Request) {
  const auth = getAuth(req, plain);
  true satisfies Same<typeof auth, Auth>;
  // @ts-expect-error it was not checked
  const tenant: string = getAuth(req, plain).tenant;
  return tenant;
}

export function inheritsTheSchemaUnlessItIsReplaced(req: Request) {
  const { tenant } = getAuth(req, authenticate.with({ scopes: ['admin'] }));
  true satisfies Same<typeof tenant, string>;
  const { level } = getAuth(req, authenticate.with({ claims: z.object({ level: z.number() }) }));
  true satisfies Same<typeof level, number>;
}

export async function typesTheResultOfIntrospect() {
  const { tenant } = await authenticate.introspect('token');
  true satisfies Same<typeof tenant, string>;
}

export function typesTheExpressRequest() {
  express().get('/', (req, res) => {
    true satisfies Same<typeof req.auth, Auth | undefined>;
    // @ts-expect-error it may be absent
    res.json({ sub: req.auth.sub });
  });
}

export function typesTheActor(req: Request) {
  const actor = getActor(req);
  true satisfies Same<typeof actor, Actor | undefined>;
  true satisfies Same<NonNullable<typeof actor>['sub'], string | undefined>;
  true satisfies Same<NonNullable<typeof actor>['act'], unknown>;
  // @ts-expect-error the actor is frozen
  if (actor !== undefined) actor.sub = 'alice';
  const { act } = getAuth(req);
  true satisfies Same<typeof act, unknown>;
}

export function typesTheActorOfTheSchema(req: Request) {
  const Delegation = z.object({ act: z.object({ sub: z.string() }) });
  const { act, sub } = getAuth(req, tokenIntrospection({ ...required, claims: Delegation }));
  true satisfies Same<typeof act, { sub: string }>;
  true satisfies Same<AuthOf<z.infer<typeof Delegation>>['act'], { sub: string }>;
  true satisfies Same<typeof sub, string | undefined>;
}

export function typesActorsAndRolesOfGuards() {
  requireActor({ sub: 'travel-agent', iss: undefined });
  requireActor(({ sub, client_id, iss, act, level }) => {
    true satisfies Same<typeof sub, string | undefined>;
    true satisfies Same<typeof client_id, string | undefined>;
    true satisfies Same<typeof iss, string | undefined>;
    true satisfies Same<typeof act, unknown>;
    return level === 2;
  });
  // @ts-expect-error an actor has no such member to compare
  requireActor({ name: 'travel-agent' });
  // @ts-expect-error an actor is required
  requireActor();
  // @ts-expect-error an asynchronous predicate would always pass
  requireActor(async () => true);
  // @ts-expect-error each role is an argument of its own
  requireRole(['admin']);
  tokenIntrospection({ ...required, roles: ({ groups }) => (Array.isArray(groups) ? groups : []) });
  authenticate.with({ roles: () => ['reader'] });
  // @ts-expect-error roles are read synchronously
  tokenIntrospection({ ...required, roles: async () => ['admin'] });
  // @ts-expect-error roles are required by guards; this option reads them
  tokenIntrospection({ ...required, roles: ['admin'] });
}
