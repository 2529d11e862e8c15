/*
 * Saving to a disk that may be full. What the kernel takes of a write may be less than all; Theia counts it as written, the
 * editor as saved, and the rest is gone. Here a write is whole or fails; and since a file is emptied before it is written, what
 * stood there before is put back, with its time, when the new content did not fit: so a later save finds what it expects.
 */
import { readFile, stat, utimes, writeFile } from 'node:fs/promises';
import { injectable } from '@theia/core/shared/inversify';
import URI from '@theia/core/lib/common/uri';
import { DiskFileSystemProvider } from '@theia/filesystem/lib/node/disk-file-system-provider';
import { FileWriteOptions } from '@theia/filesystem/lib/common/files';

/** Larger ones are no editor's. */
const MOST_KEPT = 64 * 1024 * 1024;

interface Before {
    readonly content: Buffer;
    readonly accessed: Date;
    readonly modified: Date;
}

async function contentOf(path: string): Promise<Before | undefined> {
    try {
        const facts = await stat(path);
        return facts.isFile() && facts.size <= MOST_KEPT
            ? { content: await readFile(path), accessed: facts.atime, modified: facts.mtime }
            : undefined;
    } catch {
        return undefined; // it is not there, or not to be read
    }
}

@injectable()
export class CarefulDisk extends DiskFileSystemProvider {
    override async write(fd: number, pos: number, data: Uint8Array, offset: number, length: number): Promise<number> {
        let done = 0;
        while (done < length) {
            const count = await super.write(fd, pos + done, data, offset + done, length - done);
            if (count === 0) {
                throw new Error('ENOSPC: no space left on device, write');
            }
            done += count;
        }
        return done;
    }

    override async writeFile(resource: URI, content: Uint8Array, opts: FileWriteOptions): Promise<void> {
        const path = this.toFilePath(resource);
        const before = await contentOf(path);
        try {
            await super.writeFile(resource, content, opts);
        } catch (error) {
            if (before) { // when even that does not fit any more, the store's history has it
                await this.putBack(path, before).catch(() => undefined);
            }
            throw error;
        }
    }

    protected async putBack(path: string, before: Before): Promise<void> {
        if (!before.content.equals(await readFile(path))) {
            await writeFile(path, before.content);
        }
        await utimes(path, before.accessed, before.modified);
    }
}
