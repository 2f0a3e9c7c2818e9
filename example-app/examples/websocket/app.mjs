import { createServer } from 'node:http';
import { clientSecretBasic, tokenIntrospection } from 'express-token-introspection';
import { getSocketAuth, webSocketUpgrade } from 'express-token-introspection/websocket';
import { WebSocketServer } from 'ws';

const authenticate = tokenIntrospection({
  endpoint: process.env.INTROSPECTION_ENDPOINT,
  clientAuth: clientSecretBasic(process.env.CLIENT_ID, process.env.CLIENT_SECRET),
  audience: process.env.AUDIENCE,
  scopes: ['reports:read'],
});
authenticate.verifyConfiguration().then(({ ok, problem }) => {
  console.log(ok ? 'token introspection works' : `token introspection fails (${problem?.code}): ${problem?.remedy}`);
});

const server = createServer((_req, res) => {
  res.writeHead(426).end(); // this server has only sockets
});
const sockets = new WebSocketServer({ noServer: true });
server.on('upgrade', webSocketUpgrade(authenticate, sockets, { onError: console.error }));

sockets.on('connection', (socket) => {
  socket.on('error', console.error);
  socket.on('message', (message) => {
    const { sub } = getSocketAuth(socket); // the latest claims
    socket.send(`${sub}: ${message}`);
  });
});

const port = process.env.PORT ?? 3001;
server.listen(port, () => {
  console.log(`listening on ws://127.0.0.1:${port}`);
});
