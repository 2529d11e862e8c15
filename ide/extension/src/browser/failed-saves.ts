/*
 * A save that failed is told, and known until the file is saved. Theia leaves it at the dot in the tab: the error of a file's write
 * ends in the console, whether the person asked for the save or the IDE did.
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

export interface FailedSave {
    readonly uri: URI;
    /** What Theia says. */
    readonly text: string;
    /** Theia asks what to do with a file that changed on the disk. */
    readonly outOfSync: boolean;
}

/** Knows no model: those who make models hold it. */
@injectable()
export class FailedSaves {
    protected readonly failed = new Emitter<FailedSave>();
    readonly onFailed = this.failed.event;

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
        Writes.onFailure(resource, error => this.failedSaves.tell(uri, error));
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
