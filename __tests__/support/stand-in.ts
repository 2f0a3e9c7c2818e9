import type { ServerResponse } from 'node:http';
import { Agent } from 'undici';
import type { Dispatcher, Guard, TokenIntrospectionOptions } from '../../lib/index.js';
import { USER_AGENT } from '../../lib/introspection/user-agent.js';
import { type Api, createApi } from './api.js';
import { type Asked, createEndpoint, json } from './endpoint.js';

/** A status, with a JSON body if there is one. */
export type Answer = readonly [status: number, body?: object];

/** Requests and responses as a provider's document describes them. Any other request is rejected. */
export interface Documented {
  readonly url: string;
  readonly contentType: 'application/x-www-form-urlencoded' | 'application/json';
  /** The `Authorization` value. Left out if the credentials are in the body. */
  readonly authorization?: string;
  /** Name of the token's parameter. Default `token`. */
  readonly tokenParameter?: string;
  /** All body parameters except the token. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Headers other than authentication, framing and our `user-agent`. The default of `accept` is `application/json`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Responses about known tokens: JSON, or a JWT as text. Others are inactive. */
  readonly tokens: Readonly<Record<string, object | string>>;
  /** Response about an unknown token. Default: 200 and `active: false`. */
  readonly inactive?: Answer;
  readonly refuseRequest: Answer;
  readonly refuseClient: Answer;
}

export interface StandIn {
  /** Sends all requests for the provider's origin to this server, over a real connection. */
  readonly dispatcher: Dispatcher;
  readonly asked: Asked[];
  /** Reasons why requests were rejected, in order. */
  readonly refused: string[];
  /** Sets the response to all later requests, right or wrong. */
  answer: ((res: ServerResponse) => void) | undefined;
}

const FRAMING = ['accept-encoding', 'connection', 'content-length', 'content-type', 'host'];
const CLIENT_PARAMETERS = ['client_id', 'client_secret'];

const agents: Agent[] = [];

afterEach(async () => {
  await Promise.all(agents.splice(0).map((agent) => agent.destroy()));
});

/** A provider's introspection endpoint that accepts only requests as in its document. */
export async function createStandIn(documented: Documented): Promise<StandIn> {
  const { origin, pathname } = new URL(documented.url);
  const refused: string[] = [];
  const endpoint = await createEndpoint((asked, res) => {
    const clientFault = faultOfClient(asked, documented);
    const requestFault = faultOfRequest(asked, documented, pathname);
    if (clientFault !== undefined) refuse(clientFault, documented.refuseClient, res);
    else if (requestFault !== undefined) refuse(requestFault, documented.refuseRequest, res);
    else if (standIn.answer !== undefined) standIn.answer(res);
    else answerFor(parametersOf(asked, documented)[documented.tokenParameter ?? 'token'] ?? '', res);
  });

  function answerFor(token: string, res: ServerResponse): void {
    const [status, body] = documented.inactive ?? [200, { active: false }];
    const known = documented.tokens[token];
    if (known === undefined) reply(res, status, body);
    else reply(res, 200, known);
  }

  function refuse(why: string, [status, body]: Answer, res: ServerResponse): void {
    refused.push(why);
    reply(res, status, body);
  }

  const agent = new Agent();
  agents.push(agent);
  const local = new URL(endpoint.url).origin;
  const dispatcher = agent.compose((dispatch) => (options, handler) => {
    if (options.origin !== origin) throw new Error(`${options.origin} is not ${origin}`);
    return dispatch({ ...options, origin: local }, handler);
  });
  const standIn: StandIn = { dispatcher, asked: endpoint.asked, refused, answer: undefined };
  return standIn;
}

/** An app with a preset, whose requests to the provider go to this server. */
export function createProviderApi(standIn: StandIn, options: TokenIntrospectionOptions, ...guards: Guard[]): Api {
  return createApi({ url: String(options.endpoint) }, { ...options, dispatcher: standIn.dispatcher }, ...guards);
}

function reply(res: ServerResponse, status: number, body: object | string | undefined): void {
  if (typeof body === 'object') json(res, body, status);
  else if (body === undefined) res.writeHead(status).end();
  else res.writeHead(status, { 'content-type': 'application/jwt' }).end(body);
}

export function basic(userPass: string): string {
  return `Basic ${Buffer.from(userPass).toString('base64')}`;
}

function faultOfClient(asked: Asked, documented: Documented): string | undefined {
  if (asked.headers.authorization !== documented.authorization) return `authorization ${asked.headers.authorization}`;
  const sent = parametersOf(asked, documented);
  const wrong = CLIENT_PARAMETERS.find((name) => sent[name] !== documented.parameters?.[name]);
  return wrong === undefined ? undefined : `${wrong} ${sent[wrong]}`;
}

function faultOfRequest(asked: Asked, documented: Documented, path: string): string | undefined {
  if (asked.method !== 'POST') return `method ${asked.method}`;
  if (asked.url !== path) return `path ${asked.url}`;
  if (asked.headers['content-type'] !== documented.contentType) return `content-type ${asked.headers['content-type']}`;
  const { [documented.tokenParameter ?? 'token']: token, ...others } = parametersOf(asked, documented);
  if (token === undefined) return `no token in ${asked.body}`;
  if (!sameEntries(others, documented.parameters ?? {})) return `parameters ${asked.body}`;
  const { authorization: _checked, ...headers } = asked.headers;
  for (const name of FRAMING) delete headers[name];
  return sameEntries(headers, { accept: 'application/json', 'user-agent': USER_AGENT, ...documented.headers })
    ? undefined
    : `headers ${JSON.stringify(headers)}`;
}

/** Parses a body. One with a repeated parameter or another type has no parameters. */
function parametersOf({ body, form }: Asked, { contentType }: Documented): Record<string, string | undefined> {
  if (contentType === 'application/json') {
    try {
      return JSON.parse(body);
    } catch {
      return {};
    }
  }
  const entries = [...form];
  const parameters = Object.fromEntries(entries);
  return entries.length === Object.keys(parameters).length ? parameters : {};
}

function sameEntries(given: object, expected: object): boolean {
  const entries = (of: object) => JSON.stringify(Object.entries(of).sort());
  return entries(given) === entries(expected);
}
