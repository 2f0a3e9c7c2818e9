import type { RequestHandler } from 'express';
import type { McpTokenVerifier, SdkErrors } from '../../lib/mcp/index.js';

export interface BearerAuthOptions {
  readonly verifier: McpTokenVerifier;
  readonly requiredScopes?: string[];
  readonly resourceMetadataUrl?: string;
  readonly expectedResource?: URL;
}

type RequireBearerAuth = (options: BearerAuthOptions) => RequestHandler;

/** Both packages declare `req.auth` with different types, so the compiler must see neither here. */
const MODULES = {
  'version 1': '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js',
  'version 2': '@modelcontextprotocol/express',
} as const;

/** The `requireBearerAuth` of the MCP SDK's own middleware. */
export const REQUIRE_BEARER_AUTH = Object.entries(MODULES).map(
  ([version, name]) => [version as keyof typeof MODULES, require(name).requireBearerAuth as RequireBearerAuth] as const,
);

/** The error classes of each version. */
export const SDK_ERRORS: Readonly<Record<keyof typeof MODULES, SdkErrors>> = {
  'version 1': require('@modelcontextprotocol/sdk/server/auth/errors.js'),
  'version 2': require('@modelcontextprotocol/server'),
};
