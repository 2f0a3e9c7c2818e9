export { type GithubOptions, github } from './github.js';
export { type NotionOptions, notion } from './notion.js';
export { type PolarOptions, polar } from './polar.js';
export type { Preset, PresetOptions } from './preset.js';
export { type TelnyxOptions, telnyx } from './telnyx.js';
export { type VmwareCloudOptions, vmwareCloud } from './vmware-cloud.js';
export { type WorkosOptions, workos } from './workos.js';
