import { type ClientRequest, type IncomingMessage, request } from 'node:http';

/** A response that a client reads while it is sent. */
export interface Stream {
  readonly req: ClientRequest;
  readonly res: IncomingMessage;
  readonly status: number | undefined;
  /** Everything received so far. */
  text(): string;
  /** How the response ended: with a proper end, or because the connection broke. */
  readonly end: Promise<'end' | 'aborted'>;
}

const open = new Set<ClientRequest>();

afterEach(() => {
  for (const req of open) req.destroy();
  open.clear();
});

/** Sends a GET with a bearer token, and resolves when the headers of the response have arrived. */
export async function openStream(url: string, token = 'abc', headers: Record<string, string> = {}): Promise<Stream> {
  const req = request(url, { agent: false, headers: { authorization: `Bearer ${token}`, ...headers } });
  open.add(req);
  req.end();
  const res = await new Promise<IncomingMessage>((resolve, reject) => req.on('response', resolve).on('error', reject));
  let text = '';
  res.setEncoding('utf8').on('data', (chunk) => {
    text += chunk;
  });
  const end = new Promise<'end' | 'aborted'>((resolve) => {
    res.on('close', () => resolve(res.complete ? 'end' : 'aborted')).on('error', () => {});
  });
  return { req, res, status: res.statusCode, text: () => text, end };
}
