import { ENDPOINT } from '../servers.js';

/** Frameworks for the app that `init` writes, by the names that users write. */
export const FRAMEWORKS = {
  express: 'Express 5',
  express4: 'Express 4',
  node: "Node's own server (node:http)",
} as const;

export type Framework = keyof typeof FRAMEWORKS;

export const FRAMEWORK_NAMES = Object.keys(FRAMEWORKS) as Framework[];

/** The choices of the user that determine which files `init` writes, and what they contain. */
export interface Choices {
  /** The authorization server: one of `SERVER_NAMES`, such as `keycloak`. */
  readonly provider: string;
  readonly isTypeScript: boolean;
  readonly isCommonJs: boolean;
  readonly framework: Framework;
  /** Scope that the route requires. Empty for none. */
  readonly scope: string;
  /** Folder to which the files are written. A relative path begins at the folder in which the command was started. */
  readonly directory: string;
}

export const DEFAULTS: Choices = {
  provider: ENDPOINT,
  isTypeScript: false,
  isCommonJs: false,
  framework: 'express',
  scope: '',
  directory: '.',
};
