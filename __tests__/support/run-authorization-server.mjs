// Runs the example app's authorization server in a process of its own: oidc-provider is an ES module, the tests are not.
// Prints one line of JSON with all a test needs, then obeys `stop` and `start` on standard input and repeats them when done.
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
