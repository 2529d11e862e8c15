/* Shows in the explorer what the mirror does not keep: dimmed, with a sign and the reason. */

import { inject, injectable, postConstruct } from '@theia/core/shared/inversify';
import { DepthFirstTreeIterator, Tree, TreeDecoration, TreeDecorator, codicon } from '@theia/core/lib/browser';
import { Emitter } from '@theia/core/lib/common';
import { FileStatNode } from '@theia/filesystem/lib/browser';
import { NotKeptPaths, tooltipFor } from '../common/not-kept';
import { WorkspaceService } from '../common/workspace-service';
import { Persistence } from './persistence';

const COLOR = 'var(--theia-descriptionForeground)'; // Theia's own; git's colours are there once its extension is, and not before
const WEIGHT = 5; // below what git has to say of the colour

@injectable()
export class NotKeptDecorator implements TreeDecorator {
    readonly id = 'coditect-not-kept';

    @inject(Persistence)
    protected readonly persistence!: Persistence;

    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    protected readonly changed = new Emitter<(tree: Tree) => Map<string, TreeDecoration.Data>>();
    readonly onDidChangeDecorations = this.changed.event;

    protected paths = new NotKeptPaths([]);
    /** What `paths` belongs to; the daemon counts anew when it starts anew. */
    protected known = 0;
    protected asking = false;

    @postConstruct()
    protected init(): void {
        this.persistence.onDidChange(() => void this.look());
        void this.look();
    }

    decorations(tree: Tree): Map<string, TreeDecoration.Data> {
        const result = new Map<string, TreeDecoration.Data>();
        for (const node of tree.root ? new DepthFirstTreeIterator(tree.root) : []) {
            const found = FileStatNode.is(node) ? this.paths.find(node.uri.path.toString()) : undefined;
            if (found) {
                const tooltip = tooltipFor(found);
                result.set(node.id, {
                    priority: WEIGHT,
                    fontData: { color: COLOR },
                    ...(found.itself
                        ? { tailDecorations: [{ iconClass: ['coditect-not-kept', ...codicon('circle-slash').split(' ')], tooltip }] }
                        : { tooltip })
                });
            }
        }
        return result;
    }

    protected async look(): Promise<void> {
        const { link, report } = this.persistence.knowledge;
        if (link !== 'open' || report?.kind !== 'status' || report.status.notKeptAt === this.known || this.asking) {
            return;
        }
        const at = report.status.notKeptAt;
        this.asking = true;
        try {
            this.paths = new NotKeptPaths(at === 0 ? [] : await this.workspace.notKept());
            this.known = at;
            this.changed.fire(tree => this.decorations(tree));
        } catch {
            return; // the next report asks again
        } finally {
            this.asking = false;
        }
        void this.look(); // it may have changed meanwhile
    }
}
