/*
 * Saving a file: whole or not at all.
 *
 * 1. What is written stands beside the file until it is complete, and takes its place by one rename. Theia empties the file and then
 *    writes: whoever reads in between, the mirror among them, finds nothing, and a full disk leaves nothing.
 * 2. Where a rename would lose something (another name of the file, another owner, a link's target, a folder that takes no new file)
 *    or there is no room for both, it is written in place; what stood there before is put back, with its time, when the new content
 *    did not fit.
 * 3. What the kernel takes of a write may be less than all; Theia counts it as written. Here a write is whole or fails.
 * 4. The version that a save is told is that of its own bytes, taken from their descriptor. Theia asks the path for it afterwards:
 *    when somebody else's file stands there by then, theirs counts as seen, and is written over with the next save.
 * 5. A save says which version it stands on, and this is looked at where it is read, and again before the rename: changes are never
 *    applied to another text than the one they were made in.
 * 6. A file that is not there yet, since the disk is being filled from the store, is waited for (mirror.ts).
 */
import { randomBytes } from 'node:crypto';
import { Stats, fstat } from 'node:fs';
import { FileHandle, lstat, open, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { inject, injectable } from '@theia/core/shared/inversify';
import { TextDocumentContentChangeEvent } from '@theia/core/shared/vscode-languageserver-protocol';
import URI from '@theia/core/lib/common/uri';
import { DiskFileSystemProvider } from '@theia/filesystem/lib/node/disk-file-system-provider';
import {
    FileOpenOptions, FileSystemProviderError, FileSystemProviderErrorCode, FileType, FileUpdateOptions, FileUpdateResult, FileWriteOptions,
    Stat, createFileSystemProviderError, etag
} from '@theia/filesystem/lib/common/files';
import { ExpectedVersion } from '../common/expected-version';
import { Mirror } from './mirror';

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

/** With 16 hexadecimal digits as codi2's own: it is never mirrored, and what is left of one that came to no end goes with the folder. */
const DRAFT_PREFIX = '.coditect-';

async function fill(draft: FileHandle, content: Uint8Array, mode: number): Promise<Stats> {
    await draft.chmod(mode & 0o7777);
    await draft.writeFile(content);
    await draft.datasync(); // or a power cut leaves an empty file of this name
    const facts = await draft.stat();
    await draft.close();
    return facts;
}

function versionOf({ mtime, size }: Stats): string {
    return etag({ mtime: mtime.getTime(), size });
}

/** A file that is not there any more is no other one: its text is saved again. */
async function expect(path: string, expected: string | undefined): Promise<void> {
    const facts = expected ? await stat(path).catch(() => undefined) : undefined;
    if (facts && versionOf(facts) !== expected) {
        throw createFileSystemProviderError('the file was changed elsewhere', FileSystemProviderErrorCode.Unavailable);
    }
}

/** A file that is the same to everybody when another one of this name stands in its place. */
function isPlain(facts: Stats): boolean {
    const owned = facts.uid === process.geteuid?.() && facts.gid === process.getegid?.();
    return facts.isFile() && facts.nlink === 1 && owned && (facts.mode & 0o200) !== 0;
}

/** Undefined: nothing has changed, and it is to be written in place. */
async function replace(path: string, content: Uint8Array, expected: string | undefined): Promise<Stats | undefined> {
    const facts = await lstat(path).catch(() => undefined);
    if (!facts || !isPlain(facts)) {
        return undefined;
    }
    const name = join(dirname(path), `${DRAFT_PREFIX}${randomBytes(8).toString('hex')}`);
    const draft = await open(name, 'wx', 0o600).catch(() => undefined);
    if (!draft) {
        return undefined;
    }
    try {
        const written = await fill(draft, content, facts.mode);
        await expect(path, expected);
        await rename(name, path);
        return written;
    } catch (error) {
        await draft.close().catch(() => undefined);
        await rm(name, { force: true });
        if (error instanceof FileSystemProviderError) {
            throw error;
        }
        return undefined;
    }
}

@injectable()
export class CarefulDisk extends DiskFileSystemProvider {
    @inject(Mirror)
    protected readonly mirror!: Mirror;

    override stat(resource: URI): Promise<Stat> {
        return this.whenThere(resource, () => super.stat(resource));
    }

    override readFile(resource: URI): Promise<Uint8Array> {
        return this.whenThere(resource, () => super.readFile(resource));
    }

    override open(resource: URI, opts: FileOpenOptions): Promise<number> {
        return opts.create ? super.open(resource, opts) : this.whenThere(resource, () => super.open(resource, opts));
    }

    protected async whenThere<T>(resource: URI, look: () => Promise<T>): Promise<T> {
        try {
            return await look();
        } catch (error) {
            const missing = error instanceof FileSystemProviderError && error.code === FileSystemProviderErrorCode.FileNotFound;
            if (missing && await this.mirror.brings(this.toFilePath(resource))) {
                return look();
            }
            throw error;
        }
    }

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
        await this.put(resource, content, opts);
    }

    /** Theia's own, on a disk that reads and writes one version of one file. */
    override updateFile(resource: URI, changes: TextDocumentContentChangeEvent[], opts: FileUpdateOptions & ExpectedVersion): Promise<FileUpdateResult> {
        const disk = Object.create(this) as CarefulDisk;
        let written: Stat | undefined;
        disk.readFile = async uri => {
            const content = await this.readFile(uri);
            await expect(this.toFilePath(uri), opts.etag);
            return content;
        };
        disk.writeFile = async (uri, content, how) => {
            written = await this.put(uri, content, how, opts.etag);
        };
        disk.stat = async uri => written ?? this.stat(uri);
        return super.updateFile.call(disk, resource, changes, opts);
    }

    protected async put(resource: URI, content: Uint8Array, opts: FileWriteOptions, expected?: string): Promise<Stat> {
        const path = this.toFilePath(resource);
        const told = await this.mirror.saving(path, content);
        let written = opts.overwrite ? await replace(path, content, expected) : undefined;
        if (!written) {
            await expect(path, expected);
            written = await this.writeInPlace(resource, content, opts);
        }
        if (!told) {
            this.mirror.savedUntold();
        }
        return { type: FileType.File, ctime: written.birthtime.getTime(), mtime: written.mtime.getTime(), size: written.size };
    }

    protected async writeInPlace(resource: URI, content: Uint8Array, opts: FileWriteOptions): Promise<Stats> {
        const path = this.toFilePath(resource);
        const before = await contentOf(path);
        const disk = Object.create(this) as CarefulDisk;
        let written: Stats | undefined;
        disk.close = async fd => {
            written = await promisify(fstat)(fd);
            await this.close(fd);
        };
        try {
            await super.writeFile.call(disk, resource, content, opts);
            return written ?? await stat(path);
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
