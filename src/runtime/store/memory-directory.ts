const contents = new WeakMap<object, Map<string, object>>();

/** A directory of the origin private file system in memory, for tests: what the store uses of it. */
export function memoryDirectory(): FileSystemDirectoryHandle {
  const entries = new Map<string, object>();
  const missing = () => new DOMException("not there", "NotFoundError");
  const find = (name: string, create: boolean | undefined, make: () => object) => {
    const found = entries.get(name) ?? (create === true ? make() : undefined);
    if (found === undefined) throw missing();
    entries.set(name, found);
    return found;
  };
  const directory = {
    kind: "directory",
    async getDirectoryHandle(name: string, options?: { create?: boolean }) {
      return find(name, options?.create, memoryDirectory);
    },
    async getFileHandle(name: string, options?: { create?: boolean }) {
      return find(name, options?.create, () => memoryFile(name, entries));
    },
    async removeEntry(name: string) {
      const entry = entries.get(name) as { held?: boolean } | undefined;
      if (entry === undefined) throw missing();
      if (entry.held === true) throw new DOMException("open", "NoModificationAllowedError");
      entries.delete(name);
    },
    async *keys() {
      yield* [...entries.keys()];
    },
    async *values() {
      yield* [...entries.values()];
    },
    async *entries() {
      yield* [...entries];
    },
  };
  contents.set(directory, entries);
  return directory as unknown as FileSystemDirectoryHandle;
}

/** Handles are kept, so a file is its handle. */
function memoryFile(first: string, parent: Map<string, object>) {
  let entries = parent;
  let bytes = new Uint8Array(0);
  let name = first;
  const write = (part: Uint8Array, at: number) => {
    if (at + part.length > bytes.length) {
      const longer = new Uint8Array(at + part.length);
      longer.set(bytes);
      bytes = longer;
    }
    bytes.set(part, at);
    return part.length;
  };
  const handle = {
    kind: "file",
    get name() {
      return name;
    },
    held: false,
    getFile: async () => new File([bytes.slice()], name),
    async move(to: string | object, renamed?: string) {
      entries.delete(name);
      if (typeof to === "object") entries = contents.get(to) ?? entries;
      name = typeof to === "string" ? to : (renamed ?? name);
      entries.set(name, handle);
    },
    async createWritable() {
      const parts: string[] = [];
      return {
        write: async (text: string) => void parts.push(text),
        close: async () => {
          bytes = new TextEncoder().encode(parts.join(""));
        },
      };
    },
    async createSyncAccessHandle() {
      if (handle.held) throw new DOMException("open", "NoModificationAllowedError");
      handle.held = true;
      return {
        getSize: () => bytes.length,
        read(into: Uint8Array, { at }: { at: number }) {
          const part = bytes.subarray(at, at + into.length);
          into.set(part);
          return part.length;
        },
        write: (part: Uint8Array, { at }: { at: number }) => write(part, at),
        truncate(size: number) {
          const cut = new Uint8Array(size);
          cut.set(bytes.subarray(0, size));
          bytes = cut;
        },
        flush() {},
        close() {
          handle.held = false;
        },
      };
    },
  };
  return handle;
}
