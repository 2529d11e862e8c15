/*
 * Nothing is written over what was not seen. Theia lets a save pass when the file on the disk is older than the one that was read, or
 * as long: a version that was restored is older, and a word may have been changed for another.
 */
import { injectable } from '@theia/core/shared/inversify';
import { FileService } from '@theia/filesystem/lib/browser/file-service';
import { ETAG_DISABLED, Stat, WriteFileOptions } from '@theia/filesystem/lib/common/files';

@injectable()
export class CarefulFiles extends FileService {
    protected override modifiedSince(stat: Stat, options?: WriteFileOptions): boolean {
        return options?.mtime !== undefined && options.etag !== undefined && options.etag !== ETAG_DISABLED && options.mtime !== stat.mtime;
    }
}
