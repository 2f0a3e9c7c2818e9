import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { onWaitingClose } from '../../lib/streams/waiting-response.js';

/** Starts to wait for the close of a connection, and counts the calls of the callback. */
function wait(connection: unknown, socket: unknown = null) {
  const res = Object.assign(new EventEmitter(), { socket });
  const calls: number[] = [];
  onWaitingClose({ socket: connection } as IncomingMessage, res as unknown as ServerResponse, () => calls.push(1));
  return { res, calls };
}

describe('a response that waits for an earlier response', () => {
  it('closes with its connection, on which all such responses have one listener', () => {
    const connection = new EventEmitter();
    const waiting = [wait(connection), wait(connection), wait(connection)];
    expect(connection.listenerCount('close')).toBe(1);
    connection.emit('close');
    expect(waiting.map(({ calls }) => calls.length)).toEqual([1, 1, 1]);
  });

  it('closes by itself when it has got its turn, so the connection does not close it again', () => {
    const connection = new EventEmitter();
    const [first, second] = [wait(connection), wait(connection)];
    first.res.emit('close');
    connection.emit('close');
    expect([first.calls.length, second.calls.length]).toEqual([0, 1]);
  });

  it('does not close with another connection', () => {
    const [connection, other] = [new EventEmitter(), new EventEmitter()];
    const [first, second] = [wait(connection), wait(other)];
    connection.emit('close');
    expect([first.calls.length, second.calls.length]).toEqual([1, 0]);
  });
});

it('a response that is being sent gets no listener, because it closes by itself', () => {
  const connection = new EventEmitter();
  const { res } = wait(connection, connection);
  expect([connection.listenerCount('close'), res.listenerCount('close')]).toEqual([0, 0]);
});

it.each([undefined, {}])('a request without a usable connection needs no listener: %p', (connection) => {
  expect(wait(connection).res.listenerCount('close')).toBe(0);
});
