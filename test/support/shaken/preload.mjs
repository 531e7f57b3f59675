// JavaScript, because every Node that a test starts loads it; npm's own may be one that reads no TypeScript.
if (Number(process.versions.node.split('.')[0]) >= 24) await import('./shake.ts')
