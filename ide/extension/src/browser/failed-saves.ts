/*
 * A save that failed is told. Theia leaves it at the dot in the tab: the error of a file's write ends in the console, whether the
 * person asked for the save or the IDE did.
 */
import { inject, injectable } from '@theia/core/shared/inversify';
import { MessageService } from '@theia/core/lib/common';
import { ResourceError } from '@theia/core/lib/common/resource';
import URI from '@theia/core/lib/common/uri';
import { FileResource, FileResourceResolver } from '@theia/filesystem/lib/browser/file-resource';
import { inPlainWords, OUT_OF_REACH } from '../common/plain-words';

/** Never made: the way to what a FileResource shows to its kind alone. */
abstract class Writes extends FileResource {
    static onFailure(resource: FileResource, told: (error: unknown) => void): void {
        const writes = resource as Writes;
        const write = writes.doWrite;
        writes.doWrite = (content, options) => write(content, options).catch((error: unknown) => {
            told(error);
            throw error;
        });
        writes.updateSavingContentChanges(); // it hands the function out
    }
}

@injectable()
export class ToldResources extends FileResourceResolver {
    @inject(MessageService)
    protected readonly messages!: MessageService;

    override async resolve(uri: URI): Promise<FileResource> {
        const resource = await super.resolve(uri);
        Writes.onFailure(resource, error => this.tell(uri, error));
        return resource;
    }

    protected tell(uri: URI, error: unknown): void {
        // Theia asks what to do with a file that changed on the disk; that the workspace is away stands in the status bar.
        if (error instanceof Error && ResourceError.OutOfSync.is(error)) {
            return;
        }
        const text = `Failed to save '${uri.path.toString()}': ${error instanceof Error ? error.message : String(error)}`;
        if (inPlainWords(text) !== OUT_OF_REACH) {
            void this.messages.error(text);
        }
    }
}
