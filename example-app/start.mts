import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.mjs';
import { AUDIENCE, createAuthorizationServer, MCP_PATH, SUBJECT_GRANT } from './authorization-server.mjs';
import { listen } from './door.mjs';
import { createMcp } from './mcp-server.mjs';
import { createWalkThrough } from './walk-through.mjs';

const port = portFrom('PORT', 3000);
const asPort = portFrom('AS_PORT', 4000);

const as = await createAuthorizationServer(asPort).catch((error: unknown) => giveUp(error, 'AS_PORT', asPort));
const { app, authenticate } = createApp(as);
const server = await listen(createServer(app), port).catch((error: unknown) => giveUp(error, 'PORT', port));
const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
// Its port is part of its name.
const mcp = createMcp(as, new URL(MCP_PATH, api));
app.use(mcp.routes);

console.log(`The API listens on ${api}, its authorization server on ${as.issuer}.`);
console.log(`Open ${api}/ in a browser: the console, where all of this is buttons.`);
console.log("The warnings of oidc-provider, if any, concern this example's authorization server only.\n");
console.log('Paste these lines into bash, in this order; each prints the status that stands behind it, once.');
console.log("To see headers and body, write -i for -o /dev/null -w '%{http_code}\\n'. Restart for new tokens.\n");
for (const { title, command, status } of await createWalkThrough(api, as)) {
  console.log(`# ${title}\n${command}  # ${status}\n`);
}
const { clientId, clientSecret } = as.client;
console.log('# A token for a subject and scope of your choice');
console.log(
  `curl -s -w '\\n' -u '${clientId}:${clientSecret}' -d 'grant_type=${SUBJECT_GRANT}' -d subject=dave -d 'scope=profile:read reports:read' ${as.tokenEndpoint}\n`,
);

console.log('# An app of your own, on another port, such as the first example of the README: write there');
console.log(`#   endpoint: '${as.introspectionEndpoint}',`);
console.log(`#   audience: '${AUDIENCE}',`);
console.log(`CLIENT_SECRET='${as.resourceServer.clientSecret}' node app.mjs\n`);

console.log(`Metrics of all this, for Prometheus: ${api}/metrics\n`);
console.log(`An MCP server, for an MCP client that logs in by itself: ${api}${MCP_PATH}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    server.close();
    server.closeAllConnections();
    await Promise.all([authenticate.close(), mcp.authenticate.close(), as.stop()]);
  });
}
console.log('Ctrl+C ends it.');

function portFrom(variable: string, fallback: number): number {
  const text = process.env[variable];
  const number = text === undefined || text === '' ? fallback : Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= 65_535) return number;
  console.error(`${variable} is ${JSON.stringify(text)}; set it to a port number.`);
  process.exit(1);
}

function giveUp(error: unknown, variable: string, taken: number): never {
  const isTaken = (error as NodeJS.ErrnoException).code === 'EADDRINUSE';
  console.error(isTaken ? `Port ${taken} is taken; set ${variable} to another.` : error);
  process.exit(1);
}
