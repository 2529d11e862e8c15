/*
 * Saving a file: whole or not at all.
 *
 * 1. What is written stands beside the file until it is complete, and takes its place by one rename. Theia empties the file and then
 *    writes: whoever reads in between, the mirror among them, finds nothing, and a full disk leaves nothing.
 * 2. Where a rename would lose something (another name of the file, another owner, a link's target, a folder that takes no new file)
 *    or there is no room for both, it is written in place; what stood there before is put back, with its time, when the new content
 *    did not fit.
 * 3. What the kernel takes of a write may be less than all; Theia counts it as written. Here a write is whole or fails.
 */
import { randomBytes } from 'node:crypto';
import { Stats } from 'node:fs';
import { FileHandle, lstat, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
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

/** As codi2's own: it is never mirrored, and what is left of one that came to no end goes with the folder. */
const DRAFT_PREFIX = '.coditect-';

async function fill(draft: FileHandle, content: Uint8Array, mode: number): Promise<void> {
    await draft.chmod(mode & 0o7777);
    await draft.writeFile(content);
    await draft.datasync(); // or a power cut leaves an empty file of this name
    await draft.close();
}

/** A file that is the same to everybody when another one of this name stands in its place. */
function isPlain(facts: Stats): boolean {
    const owned = facts.uid === process.geteuid?.() && facts.gid === process.getegid?.();
    return facts.isFile() && facts.nlink === 1 && owned && (facts.mode & 0o200) !== 0;
}

/** False: nothing has changed, and it is to be written in place. */
async function replace(path: string, content: Uint8Array): Promise<boolean> {
    const facts = await lstat(path).catch(() => undefined);
    if (!facts || !isPlain(facts)) {
        return false;
    }
    const name = join(dirname(path), `${DRAFT_PREFIX}${randomBytes(8).toString('hex')}`);
    const draft = await open(name, 'wx', 0o600).catch(() => undefined);
    if (!draft) {
        return false;
    }
    try {
        await fill(draft, content, facts.mode);
        await rename(name, path);
        return true;
    } catch {
        await draft.close().catch(() => undefined);
        await rm(name, { force: true });
        return false;
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
        if (opts.overwrite && await replace(path, content)) {
            return;
        }
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
