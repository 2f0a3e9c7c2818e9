export function writeLlmsFiles() {}
