import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import express, { type NextFunction, type Request, type Response, Router } from 'express';
import { HOST } from '../restartable-server.mjs';
import { ownOrigin } from './same-origin.mjs';

const FILES = fileURLToPath(new URL('../../console/page/', import.meta.url));
const { resolve } = createRequire(import.meta.url);

const FILE_OPTIONS = { cacheControl: false, index: false } as const;

/** Nothing from elsewhere, nothing inline. */
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cache-Control': 'no-cache',
};

/** The page at `/`, and its files below `/console`. */
export function createPage(): Router {
  const router = Router();
  router.get('/', toOneAddress, (_req, res) => {
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

/** DPoP proofs name the address that is asked, and cross-site checks compare it: there is one. */
function toOneAddress(req: Request, res: Response, next: NextFunction): void {
  const own = ownOrigin(req);
  const asked = `http://${req.headers.host}`;
  if (asked === own) next();
  else if (asked === own.replace(HOST, 'localhost')) res.redirect(`${own}/`);
  else res.status(403).json({ error: 'another_site', hint: `Open ${own}/` });
}
