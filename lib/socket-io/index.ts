export { getSocketAuth } from './get-socket-auth.js';
export type { IoSocket } from './io-socket.js';
export {
  type SocketAuthenticationOptions,
  type SocketMiddleware,
  socketAuthentication,
} from './socket-authentication.js';
