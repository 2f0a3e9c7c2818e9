export { getSocketAuth, type KeepOptions, keepAuthenticated, reauthenticate } from './keep-authenticated.js';
export { rejectUpgrade } from './reject-upgrade.js';
export type { ServerSocket } from './socket.js';
export { type UpgradeListener, type UpgradingServer, webSocketUpgrade } from './web-socket-upgrade.js';
