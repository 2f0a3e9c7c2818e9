// node --env-file=.env client.mjs TOKEN
import { io } from 'socket.io-client';

const socket = io(`http://127.0.0.1:${process.env.PORT ?? 3001}`, { auth: { token: process.argv[2] } });
socket.on('connect', () => socket.emit('say', 'hello'));
socket.on('said', (text) => console.log(text));
socket.on('connect_error', ({ message }) => console.log(`not connected: ${message}`));
socket.on('authentication_ended', ({ error }) => console.log(`disconnected: ${error}`));
