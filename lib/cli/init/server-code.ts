import type { Choices } from './choices.js';
import { quoted } from './quoted.js';

/**
 * Returns source code of an Express app. It must be written after the code that creates the middleware. The app has one protected route and
 * an error handler, and listens on the port.
 */
export function expressServer(choices: Choices, port: number): string {
  const { scope } = choices;
  const guard = scope === '' ? '' : `requireScope(${quoted(scope)}), `;
  return `const app = express();
app.use('/api', authenticate);
app.get('/api/reports', ${guard}(req, res) => {
  const { sub, scope } = getAuth(req);
  res.json({ sub, scope });
});
app.use(${errorHandlerParameters(choices)} => {
  if (!(error instanceof IntrospectionError)) return next(error);
  console.error(error.message);
  res.status(503).set(error.headers).json({ error: 'temporarily_unavailable' });
});

const port = process.env.PORT ?? ${port};
${listening(choices)}
`;
}

/** Returns source code of a `node:http` server that protects every path. It must be written after the code that creates the middleware. */
export function nodeServer(port: number): string {
  return `const server = createServer((req, res) => {
  authenticate(req, res, (error) => {
    res.setHeader('Content-Type', 'application/json');
    if (error !== undefined) {
      const isOutage = error instanceof IntrospectionError;
      console.error(isOutage ? error.message : error);
      res.writeHead(isOutage ? 503 : 500, isOutage ? { ...error.headers } : {});
      res.end(JSON.stringify({ error: isOutage ? 'temporarily_unavailable' : 'server_error' }));
      return;
    }
    const { sub, scope } = getAuth(req);
    res.end(JSON.stringify({ sub, scope }));
  });
});

const port = process.env.PORT ?? ${port};
server.listen(port, () => {
  console.log(\`listening on http://127.0.0.1:\${port}\`);
});
`;
}

function errorHandlerParameters({ isTypeScript, isCommonJs }: Choices): string {
  if (!isTypeScript) return '(error, req, res, next)';
  const of = isCommonJs ? 'express.' : '';
  return `(error: unknown, _req: ${of}Request, res: ${of}Response, next: ${of}NextFunction)`;
}

/**
 * Returns source code that listens on the port. Express 5 passes a failure to the callback, so the callback of the generated code throws
 * it. With Express 4, a failure ends the process without such code.
 */
function listening({ framework }: Choices): string {
  const [parameters, check] = framework === 'express4' ? ['()', ''] : ['(error)', '\n  if (error) throw error;'];
  return `app.listen(port, ${parameters} => {${check}
  console.log(\`listening on http://127.0.0.1:\${port}\`);
});`;
}
