import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import type { Deadline } from '../core/timeout.js';
import { BodyText, requireUncoded } from './body-text.js';
import {
  type Dispatcher,
  type EndpointResponse,
  type GetRequest,
  type HttpRequest,
  type SendRequest,
  toIntrospectionError,
} from './http.js';

type UndiciResponse = Awaited<ReturnType<Dispatcher['request']>>;

/** Sends requests through the dispatcher of the app. It uses `request`, which is the same in all versions of undici. */
export function sendOverDispatcher(dispatcher: Dispatcher): SendRequest {
  async function send(request: HttpRequest | GetRequest, deadline: Deadline): Promise<UndiciResponse> {
    const { endpoint, headers } = request;
    const body = 'body' in request ? request.body : null;
    try {
      return await dispatcher.request({
        origin: endpoint.origin,
        path: endpoint.path,
        method: body === null ? 'GET' : 'POST',
        // A copy, because the same headers may be used for many requests, and an interceptor of the app may change them.
        headers: { ...headers },
        body,
        signal: deadline.signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
    } catch (error) {
      throw toIntrospectionError(error);
    }
  }

  return async (request, wantsBody, deadline) => {
    if (deadline.passed) throw new IntrospectionError('timeout');
    const response = await send(request, deadline);
    const { statusCode: status, headers } = response;
    if (wasRedirected(response)) {
      discard(response);
      throw new IntrospectionError('bad_response', 'redirect');
    }
    if (wantsBody(status)) return { status, headers, body: await readBody(response) };
    discard(response);
    return { status, headers, body: '' };
  };
}

/** Whether the app's dispatcher followed a redirect. Such a response is not used, because another host may have sent it. */
function wasRedirected(response: UndiciResponse): boolean {
  const context = ownMember(response, 'context');
  const history = ownMember(context, 'history');
  return Array.isArray(history) && history.length > 0;
}

/** Reads the body. The promise never rejects: it resolves to an error if the body cannot be read. */
function readBody(response: UndiciResponse): Promise<EndpointResponse['body']> {
  return new Promise((resolve) => {
    const { body, headers } = response;
    const text = new BodyText();

    function run(step: () => void): void {
      try {
        step();
      } catch (error) {
        // Chunks that have already arrived must not call the listener again.
        body.off('data', onChunk);
        resolve(toIntrospectionError(error));
        discard(response);
      }
    }

    const onChunk = (chunk: Uint8Array): void => run(() => text.add(chunk));
    body.on('error', (error) => resolve(toIntrospectionError(error)));
    body.on('close', () => {
      if (!body.readableEnded) resolve(toIntrospectionError(undefined));
    });
    body.on('end', () => run(() => resolve(text.decode())));
    run(() => {
      requireUncoded(ownMember(headers, 'content-encoding'));
      body.on('data', onChunk);
    });
  });
}

/** Destroys the body without reading it. A body that has not arrived completely then emits an error, which is ignored. */
function discard({ body }: UndiciResponse): void {
  body.on('error', () => {});
  body.destroy();
}
