import type { IncomingMessage } from 'node:http';
import { PassThrough, Readable } from 'node:stream';
import { readForm, readJson, readParameters, readText } from '../../lib/signals/request-body.js';

const MAX_BYTES = 64 * 1024;
const FORM = 'application/x-www-form-urlencoded';

/** A request whose body arrives in these chunks. */
function createRequest(type: string | undefined, chunks: readonly (string | Buffer)[], more: object = {}) {
  const headers = { ...(type !== undefined && { 'content-type': type }) };
  return Object.assign(Readable.from(chunks, { objectMode: false }), {
    headers,
    ...more,
  }) as unknown as IncomingMessage;
}

const withCoding = (coding: string) => ({ headers: { 'content-type': 'text/x', 'content-encoding': coding } });

describe('the text of a body', () => {
  it.each<[string, string]>([
    ['has the media type', 'text/x'],
    ['has the media type in upper case, and parameters', 'TEXT/X; charset=utf-8'],
  ])('is read if the request %s', async (_name, type) => {
    expect(await readText(createRequest(type, [Buffer.from('ü'), Buffer.from('b')]), 'text/x')).toBe('üb');
  });

  it.each<[string, IncomingMessage]>([
    ['has another media type', createRequest('text/y', ['a'])],
    ['has no media type', createRequest(undefined, ['a'])],
    ['is compressed', createRequest('text/x', ['a'], withCoding('gzip'))],
    ['was parsed as an object', createRequest('text/x', ['a'], { body: { a: 1 } })],
    ['was parsed as a list', createRequest('text/x', ['a'], { body: [] })],
    ['was parsed as null', createRequest('text/x', ['a'], { body: null })],
    ['was parsed as a number', createRequest('text/x', ['a'], { body: 7 })],
  ])('is not read if the request %s', async (_name, req) => {
    expect(await readText(req, 'text/x')).toBeUndefined();
  });

  it('is read if the content coding is identity', async () => {
    expect(await readText(createRequest('text/x', ['a'], withCoding('identity')), 'text/x')).toBe('a');
  });

  it.each<[string, Buffer[], number | undefined]>([
    ['in one chunk', [Buffer.alloc(MAX_BYTES, 'x')], MAX_BYTES],
    ['in two chunks', [Buffer.alloc(MAX_BYTES - 1, 'x'), Buffer.from('x')], MAX_BYTES],
    ['and one more in one chunk', [Buffer.alloc(MAX_BYTES + 1, 'x')], undefined],
    ['and one more in two chunks', [Buffer.alloc(MAX_BYTES, 'x'), Buffer.from('x')], undefined],
    ['and more, followed by a small chunk', [Buffer.alloc(MAX_BYTES + 1, 'x'), Buffer.from('x')], undefined],
  ])('may have 64 kB %s', async (_name, chunks, length) => {
    const req = createRequest('text/x', chunks);
    expect((await readText(req, 'text/x'))?.length).toBe(length);
    if (!req.readableEnded) await new Promise((resolve) => req.once('end', resolve));
  });

  it.each<[string, unknown, string | undefined]>([
    ['text', 'ü', 'ü'],
    ['bytes', Buffer.from('ü'), 'ü'],
    ['other bytes', new Uint8Array([0x61]), 'a'],
    ['empty text', '', ''],
    ['no bytes', Buffer.alloc(0), ''],
    ['64 kB', 'x'.repeat(MAX_BYTES), 'x'.repeat(MAX_BYTES)],
    ['more than 64 kB', 'x'.repeat(MAX_BYTES + 1), undefined],
    ['more than 64 kB in fewer characters', 'ü'.repeat(MAX_BYTES / 2 + 1), undefined],
  ])('is the content that a parser left as %s', async (_name, body, expected) => {
    expect(await readText(createRequest('text/x', ['unread'], { body }), 'text/x')).toBe(expected);
  });

  it('is read if a parser has only set an empty object, and not if the body was read before', async () => {
    const req = createRequest('text/x', ['a'], { body: {} });
    expect(await readText(req, 'text/x')).toBe('a');
    expect([await readText(req, 'text/x'), req.readableEnded]).toEqual([undefined, true]);
  });

  it('is not read if other code has read the body before', async () => {
    const req = createRequest('text/x', ['a']);
    for await (const _chunk of req);
    expect(await readText(req, 'text/x')).toBeUndefined();
  });

  it('is not read from an inherited req.body', async () => {
    const req = createRequest('text/x', ['a']);
    Object.setPrototypeOf(req, Object.create(Object.getPrototypeOf(req), { body: { value: 'inherited' } }));
    expect(await readText(req, 'text/x')).toBe('a');
  });

  it.each(['utf8', 'latin1', 'hex'] as const)('is the same after setEncoding(%j)', async (encoding) => {
    expect(await readText(createRequest('text/x', [Buffer.from('ü')]).setEncoding(encoding), 'text/x')).toBe('ü');
  });

  it('may arrive as strings without an encoding', async () => {
    const req = Object.assign(Readable.from(['ü', 'b']), { headers: { 'content-type': 'text/x' } });
    expect(await readText(req as unknown as IncomingMessage, 'text/x')).toBe('üb');
  });

  it('fails if the request fails', async () => {
    const stream = new PassThrough();
    const req = Object.assign(stream, { headers: { 'content-type': 'text/x' } }) as unknown as IncomingMessage;
    const failure = new Error('aborted');
    const reading = readText(req, 'text/x');
    stream.destroy(failure);
    await expect(reading).rejects.toBe(failure);
  });
});

describe('the parameters of a form', () => {
  it('are those with the names: text, or a list if the parameter is repeated', async () => {
    const req = createRequest(FORM, ['a=1&b=2&b=%C3%BC&other=x&__proto__=y']);
    expect(await readForm(req, ['a', 'b', 'missing'])).toEqual({ a: '1', b: ['2', 'ü'], missing: undefined });
  });

  it.each([
    ['another media type', createRequest('text/plain', ['a=1'])],
    ['JSON', createRequest('application/json', ['{"a":"1"}'])],
  ])('are not read from %s', async (_name, req) => {
    expect(await readForm(req, ['a'])).toBeUndefined();
  });

  it('are those that a parser left', async () => {
    expect(await readForm(createRequest(FORM, [], { body: { a: '1' } }), ['b'])).toEqual({ a: '1' });
  });
});

describe('the members of a JSON object', () => {
  it('are read', async () => {
    expect(await readJson(createRequest('application/json; charset=utf-8', ['{"a":', '[1]}']))).toEqual({ a: [1] });
  });

  it.each(['', '{', 'null', '[]', '"a"', '7'])('are not read from %j', async (text) => {
    expect(await readJson(createRequest('application/json', [text]))).toBeUndefined();
  });

  it('are not read from another media type', async () => {
    expect(await readJson(createRequest('text/plain', ['{"a":1}']))).toBeUndefined();
  });

  it('are those that a parser left', async () => {
    expect(await readJson(createRequest('application/json', [], { body: { a: 1 } }))).toEqual({ a: 1 });
  });
});

it.each<[string, string, string, object | undefined]>([
  ['a form', FORM, 'a=1', { a: '1' }],
  ['a form with parameters of its type', `${FORM}; charset=utf-8`, 'a=1', { a: '1' }],
  ['JSON', 'application/json', '{"a":"1","b":"2"}', { a: '1', b: '2' }],
  ['any other body', 'text/plain', 'a=1', undefined],
])('parameters are read from %s', async (_name, type, body, expected) => {
  expect(await readParameters(createRequest(type, [body]), ['a'])).toEqual(expected);
});
