/*
 * What editors read from and write to files.
 *
 * 1. A save that failed is told, and known until the file is saved. Theia leaves it at the dot in the tab: the error of a file's
 *    write ends in the console, whether the person asked for the save or the IDE did.
 * 2. A file with another time than the one that was read is another file, also when it is older, as one that was restored is;
 *    Theia's editors would go on to show what was there before.
 * 3. What somebody else wrote is written over when the person said so (conflicts.ts), and nobody is asked in the middle of a word.
 * 4. After a save the file is looked at once more: who wrote it meanwhile may have been told of before the save had ended.
 */
import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { Emitter, MessageService } from '@theia/core/lib/common';
import { ResourceError } from '@theia/core/lib/common/resource';
import URI from '@theia/core/lib/common/uri';
import { FileResource, FileResourceResolver } from '@theia/filesystem/lib/browser/file-resource';
import { MonacoTextModelService } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { OUT_OF_REACH, inPlainWords } from '../common/plain-words';

const SAVE_AGAIN = 'Save Again';

/** Never made: the way to what a FileResource shows to its kind alone. */
abstract class Told extends FileResource {
    static mend(resource: FileResource, saves: FailedSaves): void {
        const told = resource as Told;
        const write = told.doWrite;
        told.doWrite = (content, options) => write(content, options).then(() => void told.sync(), (error: unknown) => {
            saves.tell(told.uri, error);
            throw error;
        });
        told.updateSavingContentChanges(); // it hands the function out
        told.shouldOverwrite = async () => saves.mayOverwrite.delete(told.uri.toString());
        told.isInSync = async () => {
            await told.writingLock.waitForUnlock();
            const stat = await told.fileService.resolve(told.uri, { resolveMetadata: true }).catch(() => undefined);
            return told.version?.mtime === stat?.mtime && told.version?.etag === stat?.etag;
        };
    }
}

export interface FailedSave {
    readonly uri: URI;
    /** What Theia says. */
    readonly text: string;
    /** Somebody else changed the file. */
    readonly outOfSync: boolean;
}

/** Knows no model: those who make models hold it. */
@injectable()
export class FailedSaves {
    protected readonly failed = new Emitter<FailedSave>();
    readonly onFailed = this.failed.event;

    /** Addresses of files whose next save may write over what somebody else wrote: the person has chosen. */
    readonly mayOverwrite = new Set<string>();

    tell(uri: URI, error: unknown): void {
        const text = `Failed to save '${uri.path.toString()}': ${error instanceof Error ? error.message : String(error)}`;
        this.failed.fire({ uri, text, outOfSync: error instanceof Error && ResourceError.OutOfSync.is(error) });
    }
}

@injectable()
export class ToldResources extends FileResourceResolver {
    @inject(FailedSaves)
    protected readonly failedSaves!: FailedSaves;

    override async resolve(uri: URI): Promise<FileResource> {
        const resource = await super.resolve(uri);
        Told.mend(resource, this.failedSaves);
        return resource;
    }
}

/** That the workspace is away stands in the status bar, and what waits is sent when it is back; all else wants a word. */
@injectable()
export class FailedSaveNotices implements FrontendApplicationContribution {
    @inject(FailedSaves)
    protected readonly failedSaves!: FailedSaves;

    @inject(MessageService)
    protected readonly messages!: MessageService;

    @inject(MonacoTextModelService)
    protected readonly models!: MonacoTextModelService;

    protected readonly shown = new Set<string>();

    onStart(): void {
        this.failedSaves.onFailed(failure => void this.show(failure));
    }

    protected async show({ uri, text, outOfSync }: FailedSave): Promise<void> {
        const key = uri.toString();
        if (outOfSync || inPlainWords(text) === OUT_OF_REACH || this.shown.has(key)) {
            return;
        }
        this.shown.add(key);
        const answer = await this.messages.error(text, { timeout: 0 }, SAVE_AGAIN);
        this.shown.delete(key);
        if (answer === SAVE_AGAIN) {
            await this.models.get(key)?.save().catch(() => undefined); // a failure is told like the first one
        }
    }
}
