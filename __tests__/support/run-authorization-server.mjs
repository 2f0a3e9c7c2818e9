// Runs the example app's authorization server in its own process, because oidc-provider is an ES module and the tests are not.
// Prints one line of JSON with its addresses and clients. Then it runs the commands `stop` and `start` of standard input, and prints
// each when it is done.
import { createInterface } from 'node:readline';
import { AUDIENCE, createAuthorizationServer, SUBJECT_GRANT } from '../../example-app/dist/authorization-server.mjs';

const as = await createAuthorizationServer(Number(process.argv[2] ?? 0));
const { issuer, introspectionEndpoint, revocationEndpoint, tokenEndpoint, resourceServer, client } = as;

console.log(
  JSON.stringify({
    issuer,
    introspectionEndpoint,
    revocationEndpoint,
    tokenEndpoint,
    resourceServer,
    client,
    audience: AUDIENCE,
    subjectGrant: SUBJECT_GRANT,
  }),
);

let commands = 0;
for await (const command of createInterface({ input: process.stdin })) {
  if (command === 'stop') await as.stop();
  else if (command === 'start') await as.start();
  else throw new Error(`unknown command ${command}`);
  commands++;
  console.log(JSON.stringify({ done: command, commands }));
}
await as.stop();
