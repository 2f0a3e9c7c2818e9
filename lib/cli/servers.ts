/** An environment variable that two programs read: the app that `init` writes, and the command `check`. */
export interface Variable {
  /** Name of the variable, such as `KEYCLOAK_URL`. */
  readonly name: string;
  /** Name of the option that takes the value: an option of the preset, or of `tokenIntrospection()` if there is no preset. */
  readonly option: string;
  /** Description of the variable in one line, for `.env.example`. */
  readonly description: string;
  /** An example of a valid value. It is missing if only the provider can tell the value. */
  readonly example?: string;
}

/** A kind of authorization server that `init` and `check` know. */
export interface Server {
  /** Name of the kind of server that is shown to people. */
  readonly label: string;
  /** Environment variables for the options of the preset, in the order in which the generated code uses them. */
  readonly variables: readonly Variable[];
  /**
   * Whether the app sets `audience`. `'required'`: yes, because every response has an `aud`. `'uncertain'`: the app sets `false`, because
   * some responses have no `aud`. `'preset'`: the preset sets `false`, because no response has an `aud`.
   */
  readonly audience: 'required' | 'uncertain' | 'preset';
  /** Whether introspection responses of this kind of server have a `scope`, so that a route of the app can require a scope. */
  readonly hasScope: boolean;
  /** Advice that `init` writes as a comment into the generated code. */
  readonly note?: string;
}

export const CLIENT_ID: Variable = {
  name: 'CLIENT_ID',
  option: 'clientId',
  description: 'Identifier of the client that you registered for this API',
};

export const CLIENT_SECRET: Variable = {
  name: 'CLIENT_SECRET',
  option: 'clientSecret',
  description: 'Secret of this client',
};

export const AUDIENCE: Variable = {
  name: 'AUDIENCE',
  option: 'audience',
  description: 'The value of aud in access tokens for this API',
};

/** Name in `SERVERS` for a server without a preset that the app configures by the URL of its endpoint. */
export const ENDPOINT = 'endpoint';
/** Name in `SERVERS` for a server without a preset that the app configures by its issuer identifier. Discovery finds the endpoint. */
export const ISSUER = 'issuer';

const CLIENT = [CLIENT_ID, CLIENT_SECRET];
const COMMON = { audience: 'required', hasScope: true } as const;

/** All kinds of authorization servers, by the name of their preset. The last two kinds, `endpoint` and `issuer`, have no preset. */
export const SERVERS: Readonly<Record<string, Server>> = {
  authentik: {
    ...COMMON,
    label: 'authentik',
    variables: [url('AUTHENTIK_URL', 'url', 'Base URL of the server', 'https://authentik.example.com'), ...CLIENT],
  },
  curity: {
    ...COMMON,
    label: 'Curity',
    variables: [url('CURITY_URL', 'url', 'Base URL of the runtime', 'https://login.example.com'), ...CLIENT],
  },
  github: { label: 'GitHub', variables: CLIENT, audience: 'preset', hasScope: true },
  keycloak: {
    ...COMMON,
    label: 'Keycloak',
    variables: [
      url(
        'KEYCLOAK_URL',
        'url',
        'Base URL of the server, before Keycloak 17 with /auth at its end',
        'https://sso.example.com',
      ),
      { name: 'KEYCLOAK_REALM', option: 'realm', description: 'Realm that issues the tokens', example: 'shop' },
      ...CLIENT,
    ],
  },
  notion: { label: 'Notion', variables: CLIENT, audience: 'preset', hasScope: true },
  oidcProvider: {
    ...COMMON,
    label: 'oidc-provider (npm package)',
    variables: [url('OIDC_PROVIDER_ISSUER', 'issuer', 'Issuer identifier', 'https://auth.example.com'), ...CLIENT],
  },
  okta: {
    ...COMMON,
    label: 'Okta',
    variables: [
      url(
        'OKTA_ISSUER',
        'issuer',
        'Issuer of your custom authorization server',
        'https://example.okta.com/oauth2/default',
      ),
      ...CLIENT,
    ],
  },
  hydra: {
    ...COMMON,
    label: 'Ory Hydra',
    variables: [
      url('HYDRA_ADMIN_URL', 'adminUrl', 'URL of the admin API, which must not be public', 'http://127.0.0.1:4445'),
    ],
    note: 'On Ory Network, add apiKey to the options of hydra().',
  },
  pingfederate: {
    ...COMMON,
    label: 'PingFederate',
    variables: [
      url('PINGFEDERATE_URL', 'url', 'Base URL of the runtime engine', 'https://sso.example.com:9031'),
      ...CLIENT,
    ],
  },
  polar: { ...COMMON, label: 'Polar', variables: CLIENT, note: "For the sandbox, add server: 'sandbox' to polar()." },
  telnyx: { label: 'Telnyx', variables: CLIENT, audience: 'uncertain', hasScope: true },
  vmwareCloud: {
    label: 'VMware Cloud Services',
    variables: [
      url(
        'VMWARE_CLOUD_ENDPOINT',
        'endpoint',
        'Introspection endpoint of your organization',
        'https://console.example.com/introspect',
      ),
      ...CLIENT,
    ],
    audience: 'preset',
    hasScope: false,
    note: 'For a public client, remove clientSecret.',
  },
  workos: {
    label: 'WorkOS',
    variables: [
      {
        name: 'AUTHKIT_DOMAIN',
        option: 'authkitDomain',
        description: 'Your AuthKit domain, without https://',
        example: 'auth.example.com',
      },
      ...CLIENT,
    ],
    audience: 'required',
    hasScope: false,
  },
  zitadel: {
    ...COMMON,
    label: 'Zitadel',
    variables: [url('ZITADEL_ISSUER', 'issuer', 'Issuer identifier', 'https://example.zitadel.cloud'), ...CLIENT],
  },
  [ENDPOINT]: {
    ...COMMON,
    label: 'another server, by the URL of its introspection endpoint',
    variables: [
      url(
        'INTROSPECTION_ENDPOINT',
        'endpoint',
        'The introspection_endpoint in the metadata of the server',
        'https://as.example.com/oauth2/introspect',
      ),
      ...CLIENT,
    ],
  },
  [ISSUER]: {
    ...COMMON,
    label: 'another server, by its issuer identifier (discovery)',
    variables: [
      url(
        'AUTHORIZATION_SERVER',
        'authorizationServer',
        'Issuer identifier, exactly as issuer in the metadata of the server',
        'https://as.example.com',
      ),
      ...CLIENT,
    ],
  },
};

/** Names of all kinds of authorization servers. */
export const SERVER_NAMES: readonly string[] = Object.keys(SERVERS);

/** Returns all variables that an app for this kind of server reads, except `PORT`. */
export function variablesOf(server: string): readonly Variable[] {
  const { variables, audience } = serverOf(server);
  return audience === 'required' ? [...variables, AUDIENCE] : variables;
}

/** Returns the kind of server with this name. The name must be one of `SERVER_NAMES`. */
export function serverOf(name: string): Server {
  return SERVERS[name] as Server;
}

function url(name: string, option: string, description: string, example: string): Variable {
  return { name, option, description, example };
}
