export function ensureBuilt(): void;
export function ensureLibrary(): void;
