import { copyOnClick } from './copy.js';
import { curlCommand } from './curl.js';
import { byId } from './element.js';

const PORT = 3001;

/** Shows the code of an API that uses this example's authorization server, and the commands that start and call it. */
export function showCode({ introspection, audience }) {
  byId('code').textContent = codeFor(introspection, audience);
  byId('code-start').textContent = `CLIENT_SECRET='${introspection.clientSecret}' node app.mjs`;
  for (const button of document.querySelectorAll('[data-copy]')) {
    copyOnClick(button, () => byId(button.dataset.copy).textContent);
  }
  showCodeCall(undefined);
}

/** Shows the command that calls that API, with the token if there is one. */
export function showCodeCall(token) {
  const headers = { Authorization: `Bearer ${token ?? 'TOKEN'}` };
  byId('code-call').textContent = curlCommand({
    method: 'GET',
    url: `http://127.0.0.1:${PORT}/api/reports`,
    headers,
    showsHeaders: true,
  });
}

function codeFor({ endpoint, clientId }, audience) {
  return `import express from 'express';
import {
  clientSecretBasic, getAuth, requireScope, tokenIntrospection,
} from 'express-token-introspection';

const { CLIENT_SECRET } = process.env;
const app = express();

app.use('/api', tokenIntrospection({
  endpoint: '${endpoint}',
  clientAuth: clientSecretBasic('${clientId}', CLIENT_SECRET),
  audience: '${audience}',
}));

app.get('/api/reports', requireScope('reports:read'), (req, res) => {
  res.json({ reports: ['2026-10'], for: getAuth(req).sub });
});

app.listen(${PORT});`;
}
