// Files that were dropped on the page, those within dropped folders too.
import { joinPath } from "./paths";

export interface Dropped {
  /** Relative to the place where it was dropped. */
  readonly path: string;
  readonly file: File;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const all: FileSystemEntry[] = [];
  for (;;) {
    // A reader hands out at most 100 at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all;
    all.push(...some);
  }
}

async function walk(entry: FileSystemEntry, above: string): Promise<Dropped[]> {
  const path = joinPath(above, entry.name);
  if (entry.isFile) return [{ path, file: await fileOf(entry as FileSystemFileEntry) }];
  const inside = await entriesOf(entry as FileSystemDirectoryEntry);
  return (await Promise.all(inside.map((one) => walk(one, path)))).flat();
}

/** Must be called while the drop is handled: the browser forgets it afterwards. */
export function droppedFiles(transfer: DataTransfer): Promise<Dropped[]> {
  const entries = Array.from(transfer.items, (item) => item.webkitGetAsEntry()).filter((entry) => entry !== null);
  if (entries.length === 0) return Promise.resolve(Array.from(transfer.files, (file) => ({ path: file.name, file })));
  return Promise.all(entries.map((entry) => walk(entry, ""))).then((lists) => lists.flat());
}
