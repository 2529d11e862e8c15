/*
 * Nothing is written over what was not seen.
 *
 * 1. Theia lets a save pass when the file on the disk is older than the one that was read, or as long: a version that was restored is
 *    older, and a word may have been changed for another.
 * 2. A save is checked where it is written, too, and answers with the version of what it wrote (node/careful-disk.ts). Theia asks the
 *    path for that afterwards, and takes what somebody else wrote in between for its own.
 * 3. The version of a text that was read is one from before it was read: then a change in between is found. Theia reads both at once.
 */
import { injectable } from '@theia/core/shared/inversify';
import { TextDocumentContentChangeEvent } from '@theia/core/shared/vscode-languageserver-protocol';
import { UTF8 } from '@theia/core/lib/common/encodings';
import { Readable } from '@theia/core/lib/common/stream';
import URI from '@theia/core/lib/common/uri';
import { FileService, ReadTextFileOptions, UpdateTextFileOptions, WriteTextFileOptions } from '@theia/filesystem/lib/browser/file-service';
import {
    ETAG_DISABLED, FileOperationError, FileOperationResult, FileStat, FileStatWithMetadata, FileSystemProviderError, FileSystemProviderErrorCode,
    FileUpdateOptions, Stat, WriteFileOptions, etag, hasUpdateCapability
} from '@theia/filesystem/lib/common/files';
import { ExpectedVersion } from '../common/expected-version';

type Written = FileStatWithMetadata & { encoding: string };

/** No file's: Theia asks for the version first when it is to compare it. */
const NO_ETAG = 'none';

@injectable()
export class CarefulFiles extends FileService {
    protected override modifiedSince(stat: Stat, { etag: expected = ETAG_DISABLED }: WriteFileOptions = {}): boolean {
        return expected !== ETAG_DISABLED && expected !== etag(stat);
    }

    protected override resolveReadOptions(options?: ReadTextFileOptions): ReadTextFileOptions {
        const resolved = super.resolveReadOptions(options);
        return resolved.etag === ETAG_DISABLED ? { ...resolved, etag: NO_ETAG } : resolved;
    }

    override async write(resource: URI, value: string | Readable<string>, options?: WriteTextFileOptions): Promise<Written> {
        if (resource.scheme === 'file' && typeof value === 'string') {
            try {
                return await this.update(resource, [{ text: value }], { ...options, readEncoding: options?.encoding ?? UTF8 });
            } catch (error) {
                if (!(error instanceof FileOperationError) || error.fileOperationResult !== FileOperationResult.FILE_NOT_FOUND) {
                    throw error;
                } // it is made, then
            }
        }
        return super.write(resource, value, options);
    }

    override async update(resource: URI, changes: TextDocumentContentChangeEvent[], options: UpdateTextFileOptions): Promise<Written> {
        const provider = this.throwIfFileSystemIsReadonly(await this['withWriteProvider'](resource), resource);
        try {
            await this['validateWriteFile'](provider, resource, options);
            if (!hasUpdateCapability(provider)) {
                throw new Error('incremental file update is not supported');
            }
            const how: FileUpdateOptions & ExpectedVersion = {
                readEncoding: options.readEncoding,
                writeEncoding: await this.getEncodingForResource(resource, options.encoding),
                overwriteEncoding: options.overwriteEncoding ?? false,
                etag: options.etag
            };
            const written = await provider.updateFile(resource, changes, how);
            return Object.assign(FileStat.fromStat(resource, written), { encoding: written.encoding });
        } catch (error) {
            if (error instanceof FileSystemProviderError && error.code === FileSystemProviderErrorCode.Unavailable) {
                throw new FileOperationError('File Modified Since', FileOperationResult.FILE_MODIFIED_SINCE, options);
            }
            return this.rethrowAsFileOperationError("Unable to write file '{0}' ({1})", resource, error as Error, options);
        }
    }
}
