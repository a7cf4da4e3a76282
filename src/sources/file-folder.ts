import { blobSource, type CheckpointFolder } from "../convert/checkpoint/byte-source.ts";
import { UnmaskError } from "../core/errors.ts";

/** A file and where it stood in what was dropped: `folder/name`, or its name alone. */
export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

/** Files as a picker gives them, with their paths below the picked folder. */
export function pickedFiles(files: readonly File[]): GivenFile[] {
  return files.map((file) => ({ path: file.webkitRelativePath || file.name, file }));
}

/** What stands at the top of a model, most telling first. */
const ROOT_FILES: readonly (readonly string[])[] = [["config.json", "unmask.json"], ["tokenizer.json"]];

/**
 * Files that were picked or dropped, as a checkpoint folder. Of a folder with folders in it, the files beside the
 * shallowest `config.json` (or `unmask.json`) are taken; without one those beside the tokenizer, else all that are least
 * deep.
 */
export function filesFolder(files: readonly GivenFile[]): CheckpointFolder {
  const found = files.map(({ path, file }) => {
    return { file, parent: path.slice(0, path.lastIndexOf("/") + 1), depth: path.split("/").length };
  });
  const depth = (items: typeof found) => items.reduce((least, item) => Math.min(least, item.depth), Infinity);
  const roots = ROOT_FILES.map((names) => found.filter(({ file }) => names.includes(file.name)));
  const candidates = roots.find((items) => items.length > 0) ?? found;
  const root = candidates.find((item) => item.depth === depth(candidates));
  return folderAt(files, root?.parent ?? "");
}

/** @param parent path of the folder, empty or ending in a slash */
function folderAt(files: readonly GivenFile[], parent: string): CheckpointFolder {
  const beside = files.filter(({ path, file }) => path === `${parent}${file.name}`);
  const byName = new Map(beside.map(({ file }) => [file.name, file]));
  return {
    name: parent.replace(/\/$/, "") || "What was dropped",
    names: async () => [...byName.keys()],
    inner: async (name) => {
      const inside = `${parent}${name}/`;
      return files.some(({ path }) => path.startsWith(inside)) ? folderAt(files, inside) : undefined;
    },
    open: async (name) => {
      const file = byName.get(name);
      if (file === undefined) {
        throw new UnmaskError("not-found", `There is no file ${name} among those that were given.`);
      }
      return blobSource(file, name);
    },
  };
}

/** A folder picked with a directory picker, dropped as a handle, or of the origin private file system. */
export function directoryFolder(handle: FileSystemDirectoryHandle): CheckpointFolder {
  return {
    name: handle.name || "The folder",
    names: async () => {
      const names: string[] = [];
      for await (const entry of handle.values()) if (entry.kind === "file") names.push(entry.name);
      return names;
    },
    open: async (name) => {
      const file = await handle.getFileHandle(name).then(
        (found) => found.getFile(),
        (cause: unknown) => {
          throw new UnmaskError("not-found", `There is no file ${name} in ${handle.name}.`, { cause });
        },
      );
      return blobSource(file, name);
    },
    inner: async (name) => {
      const inside = await handle.getDirectoryHandle(name).catch(() => undefined);
      return inside === undefined ? undefined : directoryFolder(inside);
    },
  };
}
