// Writes the API reference to api/.
import { join } from 'node:path';
import { runTool } from './tool.mjs';

try {
  runTool('typedoc', ['--options', join(import.meta.dirname, 'typedoc.config.mjs'), '--logLevel', 'Warn']);
} catch ({ message }) {
  console.error(message);
  process.exit(1);
}
