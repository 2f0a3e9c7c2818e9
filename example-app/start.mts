import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createApp } from './app.mjs';
import { AUDIENCE, createAuthorizationServer, MCP_PATH, SUBJECT_GRANT } from './authorization-server.mjs';
import { createMcp } from './mcp-server.mjs';
import { listen } from './restartable-server.mjs';
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

const { clientId, clientSecret } = as.client;
const { resourceServer } = as;

console.log(`The API listens on ${api}, its authorization server on ${as.issuer}.`);
console.log(`Open ${api}/ in a browser to do all of this with buttons.`);
console.log("Warnings of oidc-provider are about this example's authorization server only.\n");
console.log(
  `  ${clientId}  --- token --->  ${resourceServer.clientId}  --- "is this token good?" --->  authorization server`,
);
console.log('  (the client)                 (the API)              token introspection\n');
console.log(`${clientId} is an app of the user: the authorization server issues tokens to it.`);
console.log(`${resourceServer.clientId} is the API: it has a client id and secret only to ask about tokens.`);
console.log(`Each token names the API it is for, its audience: ${AUDIENCE}\n`);
console.log('Paste these lines into bash, in this order. The first prints JSON, the others the status after the #.');
console.log("To see headers and body, write -i instead of -o /dev/null -w '%{http_code}\\n'.");
console.log('Restart the example for new tokens.\n');
for (const [index, step] of (await createWalkThrough(api, as)).entries()) {
  const expected = 'prints' in step ? `\n# It prints:\n# ${step.prints}` : `  # ${step.status}`;
  console.log(`# ${index + 1}. ${step.title}\n${step.command}${expected}\n`);
}
console.log('# A token for a subject and scope of your choice');
console.log(
  `curl -s -w '\\n' -u '${clientId}:${clientSecret}' -d 'grant_type=${SUBJECT_GRANT}' -d subject=dave -d 'scope=profile:read reports:read' ${as.tokenEndpoint}\n`,
);

const { access_token } = await as.issue({ subject: 'dave', scope: 'profile:read reports:read' });
console.log(
  '# An app of your own, such as the first example of the README: let it listen on port 3001, put these values',
);
console.log('# into it, start it, and call it from another terminal:');
console.log(`#   endpoint: '${as.introspectionEndpoint}',`);
console.log(`#   audience: '${AUDIENCE}',`);
console.log(`CLIENT_SECRET='${resourceServer.clientSecret}' node app.mjs`);
console.log(`curl -s -w '\\n' -H 'Authorization: Bearer ${access_token}' http://127.0.0.1:3001/api/reports\n`);

console.log(`Metrics for Prometheus: ${api}/metrics\n`);
console.log(`An MCP server, for any MCP client (it logs in by itself): ${api}${MCP_PATH}\n`);

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    server.close();
    server.closeAllConnections();
    await Promise.all([authenticate.close(), mcp.authenticate.close(), as.stop()]);
  });
}
console.log('Press Ctrl+C to stop.');

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
