import { createRequire } from 'node:module';
import { AuthError } from 'express-token-introspection';

console.log(AuthError === createRequire(import.meta.url)('express-token-introspection').AuthError);
