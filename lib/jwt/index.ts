export type { Precheck, PrecheckContext } from '../core/precheck.js';
export type { VerifyJwtOptions } from './options.js';
export { verifyJwtFirst } from './verify-jwt-first.js';
