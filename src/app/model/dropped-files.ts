import type { GivenFile } from "../../sources/file-folder.ts";

/** A checkpoint has a handful of files; a folder with more is not one. */
const MAX_FILES = 500;
/** A snapshot folder of the hub's cache in the folder of its repository. */
const MAX_DEPTH = 4;

/** True when a drop is a model rather than a recording: a folder, several files, or weights. */
export function isModelDrop({ items, files }: DataTransfer): boolean {
  const isFolder = Array.from(items).some((item) => item.webkitGetAsEntry()?.isDirectory === true);
  return isFolder || files.length > 1 || /\.(safetensors|onnx)$/.test(files[0]?.name ?? "");
}

/**
 * Everything that was dropped, folders with what is in them. Must be called while the event is handled: a drop is empty
 * afterwards.
 */
export function droppedFiles({ items, files }: DataTransfer): Promise<GivenFile[]> {
  const entries = Array.from(items).flatMap((item) => item.webkitGetAsEntry() ?? []);
  const loose = Array.from(files, (file) => ({ path: file.name, file }));
  return entries.length === 0 ? Promise.resolve(loose) : collect(entries);
}

async function collect(roots: readonly FileSystemEntry[]): Promise<GivenFile[]> {
  const found: GivenFile[] = [];
  const visit = async (entry: FileSystemEntry, depth: number): Promise<void> => {
    if (found.length >= MAX_FILES || depth > MAX_DEPTH) return;
    if (isFile(entry)) {
      const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
      found.push({ path: entry.fullPath.replace(/^\//, ""), file });
    } else {
      for (const inner of await children(entry as FileSystemDirectoryEntry)) await visit(inner, depth + 1);
    }
  };
  for (const root of roots) await visit(root, 1);
  return found;
}

/** A reader gives a folder in parts, an empty one at the end. */
async function children(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    const part = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (part.length === 0 || all.length >= MAX_FILES) return all;
    all.push(...part);
  }
}

function isFile(entry: FileSystemEntry): entry is FileSystemFileEntry {
  return entry.isFile;
}
