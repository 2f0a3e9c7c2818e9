import { createServer } from 'node:http';
import { clientSecretBasic, tokenIntrospection } from 'express-token-introspection';
import { getSocketAuth, socketAuthentication } from 'express-token-introspection/socket-io';
import { Server } from 'socket.io';

const authenticate = tokenIntrospection({
  endpoint: process.env.INTROSPECTION_ENDPOINT,
  clientAuth: clientSecretBasic(process.env.CLIENT_ID, process.env.CLIENT_SECRET),
  audience: process.env.AUDIENCE,
  scopes: ['reports:read'],
});
authenticate.verifyConfiguration().then(({ ok, problem }) => {
  console.log(ok ? 'token introspection works' : `token introspection fails (${problem?.code}): ${problem?.remedy}`);
});

const server = createServer();
const io = new Server(server);
io.use(socketAuthentication(authenticate, { onError: console.error }));

io.on('connection', (socket) => {
  socket.on('say', (message) => {
    const { sub } = getSocketAuth(socket); // the latest claims
    socket.emit('said', `${sub}: ${message}`);
  });
});

const port = process.env.PORT ?? 3001;
server.listen(port, () => {
  console.log(`listening on http://127.0.0.1:${port}`);
});
