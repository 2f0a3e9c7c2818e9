// Loaded before an app: sends every TLS connection to the stand-in on loopback, whatever its host.
const tls = require('node:tls');

const { connect } = tls;

tls.connect = (options) =>
  connect({ ...options, host: '127.0.0.1', port: Number(process.env.STAND_IN_PORT), rejectUnauthorized: false });
