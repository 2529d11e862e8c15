/* Tells the workspace that somebody is there, so that it is not put to sleep before their eyes. */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { ActivityTeller } from '../common/activity';
import { WorkspaceService } from '../common/workspace-service';
import { PlatformFrame } from './platform-frame';

const LOOK_EVERY_MS = 5_000;
const INPUT = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const;

@injectable()
export class Activity implements FrontendApplicationContribution {
    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    @inject(PlatformFrame)
    protected readonly platform!: PlatformFrame;

    // Without an answer there is nothing to do: the status bar says already that the workspace is out of reach.
    protected readonly teller = new ActivityTeller(kind => void this.workspace.active(kind).catch(() => undefined));

    onStart(): void {
        const look = (): void => this.teller.turn(performance.now(), document.visibilityState === 'visible');
        this.platform.onShown(shown => {
            this.teller.show(shown);
            look();
        });
        for (const name of INPUT) {
            window.addEventListener(name, () => this.teller.touch(performance.now()), { capture: true, passive: true });
        }
        document.addEventListener('visibilitychange', look);
        setInterval(look, LOOK_EVERY_MS);
        look();
    }
}
