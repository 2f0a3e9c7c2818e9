import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.mjs';
import { AUDIENCE, createAuthorizationServer, MCP_PATH, SUBJECT_GRANT } from './authorization-server.mjs';
import { createMcp } from './mcp-server.mjs';
import { listen } from './restartable-server.mjs';
import { LOGOUT_PATH } from './settings.mjs';
import { createWalkThrough } from './walk-through.mjs';

const port = readPort('PORT', 3000);
const asPort = readPort('AS_PORT', 4000);

const as = await createAuthorizationServer(asPort).catch((error: unknown) => exitWithError(error, 'AS_PORT', asPort));
const { app, authenticate } = createApp(as);
const server = await listen(createServer(app), port).catch((error: unknown) => exitWithError(error, 'PORT', port));
const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
as.logoutUrl = new URL(LOGOUT_PATH, api).href;
// The MCP server's audience is its URL, which includes the port.
const mcp = createMcp(as, new URL(MCP_PATH, api));
app.use(mcp.routes);

const { clientId, clientSecret } = as.client;
const { resourceServer } = as;

console.log(`The API listens on ${api}, its authorization server on ${as.issuer}.`);
console.log(`Open ${api}/ in a browser to try all of this with buttons.`);
console.log("Warnings of oidc-provider concern only this example's authorization server.\n");
console.log(
  `  ${clientId}  --- token --->  ${resourceServer.clientId}  --- introspection request --->  authorization server`,
);
console.log('  (the client)                 (the API)\n');
console.log(`${clientId} is an app that acts for a user. The authorization server issues tokens to it.`);
console.log(
  `${resourceServer.clientId} is the API. It has a client id and secret of its own, for introspection requests.`,
);
console.log(`Each token names the API that it is issued for. This is its audience: ${AUDIENCE}\n`);
console.log(
  'Paste these lines into bash, in this order. The first line prints JSON. The others print the status after the #.',
);
console.log("To see headers and body, use -i instead of -o /dev/null -w '%{http_code}\\n'.");
console.log('Restart the example to get new tokens.\n');
for (const [index, step] of (await createWalkThrough(api, as)).entries()) {
  const expected = 'output' in step ? `\n# It prints:\n# ${step.output}` : `  # ${step.status}`;
  console.log(`# ${index + 1}. ${step.title}\n${step.command}${expected}\n`);
}
console.log('# Get a token for a subject and scope of your choice');
console.log(
  `curl -s -w '\\n' -u '${clientId}:${clientSecret}' -d 'grant_type=${SUBJECT_GRANT}' -d subject=dave -d 'scope=profile:read reports:read' ${as.tokenEndpoint}\n`,
);

const { access_token } = await as.issue({ subject: 'dave', scope: 'profile:read reports:read' });
console.log(
  '# Try the first example of the README, which has these values. Start it, and call it from another terminal:',
);
console.log(`#   endpoint: '${as.introspectionEndpoint}',`);
console.log(`#   audience: '${AUDIENCE}',`);
console.log(`CLIENT_SECRET='${resourceServer.clientSecret}' node app.mjs`);
console.log(`curl -s -w '\\n' -H 'Authorization: Bearer ${access_token}' http://127.0.0.1:3001/api/reports\n`);

console.log(`Metrics for Prometheus: ${api}/metrics\n`);
console.log(`An MCP server for any MCP client, which registers and logs in by itself: ${api}${MCP_PATH}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    server.close();
    server.closeAllConnections();
    await Promise.all([authenticate.close(), mcp.authenticate.close(), as.stop()]);
  });
}
console.log('Press Ctrl+C to stop.');

function readPort(variable: string, fallback: number): number {
  const text = process.env[variable];
  const number = text === undefined || text === '' ? fallback : Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  console.error(`${variable} is ${JSON.stringify(text)}; set it to a port number from 0 to 65535.`);
  process.exit(1);
}

function exitWithError(error: unknown, variable: string, takenPort: number): never {
  const isPortInUse = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  console.error(isPortInUse ? `Port ${takenPort} is in use; set ${variable} to another port.` : error);
  process.exit(1);
}
