import type { Dispatcher } from 'undici';
import { IntrospectionError } from '../core/errors.js';
import { ownMember } from '../core/own-members.js';
import { BodyText, requireUncoded } from './body-text.js';
import { type EndpointResponse, type SendRequest, toIntrospectionError } from './http.js';

/**
 * Sends requests over connections that this package has opened itself. It uses `dispatch`, because `request` creates a stream for each
 * body, which takes as long as the rest of a request.
 */
export function sendOverPool(pool: Pick<Dispatcher, 'dispatch'>): SendRequest {
  return (request, wantsBody, deadline) =>
    new Promise((resolve, reject) => {
      if (deadline.passed) throw new IntrospectionError('timeout');
      const handler = new ResponseHandler(wantsBody, resolve, reject);
      deadline.onAbort(() => handler.abort());
      const { endpoint, headers } = request;
      const body = 'body' in request ? request.body : null;
      const method = body === null ? 'GET' : 'POST';
      try {
        pool.dispatch({ path: endpoint.path, method, headers, body, headersTimeout: 0, bodyTimeout: 0 }, handler);
      } catch (error) {
        reject(toIntrospectionError(error));
      }
    });
}

/** Receives the parts of one response, and settles the promise of its request. */
class ResponseHandler implements Dispatcher.DispatchHandler {
  readonly #wantsBody: (status: number) => boolean;
  readonly #resolve: (response: EndpointResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #body = new BodyText();
  #controller: Dispatcher.DispatchController | undefined;
  #isAborted = false;
  #isSettled = false;
  #status = 0;
  #headers: EndpointResponse['headers'] = {};

  constructor(
    wantsBody: (status: number) => boolean,
    resolve: (response: EndpointResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#wantsBody = wantsBody;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Ends the request. If its response is not complete, the connection is closed. */
  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort(new Error('aborted'));
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isAborted) this.abort();
  }

  onResponseStart(_controller: unknown, status: number, headers: EndpointResponse['headers']): void {
    // A response with a status below 200 is followed by the response that counts.
    if (status < 200) return;
    this.#status = status;
    this.#headers = headers;
    if (this.#wantsBody(status)) this.#try(() => requireUncoded(ownMember(headers, 'content-encoding')));
    else this.#end('');
  }

  onResponseData(_controller: unknown, chunk: Uint8Array): void {
    if (!this.#isSettled) this.#try(() => this.#body.add(chunk));
  }

  onResponseEnd(): void {
    this.#try(() => this.#settle(this.#body.decode()));
  }

  onResponseError(_controller: unknown, error: Error): void {
    if (this.#status === 0) this.#reject(toIntrospectionError(error));
    else this.#settle(toIntrospectionError(error));
  }

  /** Runs a step of reading the body. If the step throws, the body cannot be read, and the request ends. */
  #try(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#end(toIntrospectionError(error));
    }
  }

  /** Settles the promise, and does not wait for the rest of the body. */
  #end(body: EndpointResponse['body']): void {
    this.#settle(body);
    this.abort();
  }

  #settle(body: EndpointResponse['body']): void {
    this.#isSettled = true;
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }
}
