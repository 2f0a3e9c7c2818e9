import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { HOST } from '../restartable-server.mjs';
import { serverOrigin } from './same-origin.mjs';

const FILES = fileURLToPath(new URL('../../console/page/', import.meta.url));
const { resolve } = createRequire(import.meta.url);

const FILE_OPTIONS = { cacheControl: false, index: false } as const;

/** The policy allows only files of this server, and no inline code. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

/** Serves the page at `/` and its files below `/console`. */
export function createPage(): Router {
  const router = Router();
  router.get('/', redirectToServerOrigin, (_req, res) => {
    res.set(HEADERS).sendFile('index.html', { root: FILES, ...FILE_OPTIONS });
  });
  router.use('/console', (_req, res, next) => {
    res.set(HEADERS);
    next();
  });
  router.get('/console/uplot.js', (_req, res) => res.sendFile(resolve('uplot/dist/uPlot.esm.js'), FILE_OPTIONS));
  router.get('/console/uplot.css', (_req, res) => res.sendFile(resolve('uplot/dist/uPlot.min.css'), FILE_OPTIONS));
  router.use('/console', express.static(FILES, FILE_OPTIONS));
  return router;
}

/** Serves the page under one origin only, because DPoP proofs and the same-origin check compare the address. */
function redirectToServerOrigin(req: Request, res: Response, next: NextFunction): void {
  const origin = serverOrigin(req);
  const requested = `http://${req.headers.host}`;
  if (requested === origin) next();
  else if (requested === origin.replace(HOST, 'localhost')) res.redirect(`${origin}/`);
  else res.status(403).json({ error: 'another_site', hint: `Open ${origin}/` });
}
