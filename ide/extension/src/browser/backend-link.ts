/*
 * Keeps the way to the backend open.
 *
 * 1. When the socket cannot be opened, the reason is asked for by a plain request, since a browser hides it: 401 means
 *    that the cookie of this session ended. The platform's page is asked for a ticket, the ticket is fetched (it sets
 *    the cookie), and the socket tries again at once.
 * 2. A backend that was restarted knows no cookie of before (Theia's own, 403). The same request renews it.
 * 3. Such a backend knows nothing of this page either, and Theia reloads it. Nobody is asked: the unsaved text is kept.
 * 4. When the page goes away for good, the backend is told so, and ends what belonged to the page. Without that it
 *    would wait for eight hours. A browser may end a busy page before it has said so: then the tab's next one does.
 */

import { inject, injectable } from '@theia/core/shared/inversify';
import { FrontendApplicationContribution } from '@theia/core/lib/browser';
import { FrontendIdProvider } from '@theia/core/lib/browser/messaging/frontend-id-provider';
import { WebSocketConnectionSource } from '@theia/core/lib/browser/messaging/ws-connection-source';
import { WindowService } from '@theia/core/lib/browser/window/window-service';
import { MessageService } from '@theia/core/lib/common';
import { ConnectionManagementMessages } from '@theia/core/lib/common/messaging/connection-management';
import { PlatformFrame } from './platform-frame';
import { UnsavedText } from './unsaved-text';

const MIN_BETWEEN_TICKETS_MS = 10_000;
/** In the tab's own storage, which a reload keeps: the id of the page that it shows. */
const SHOWN = 'coditect.shown-page';

/** An address below the page's own path, with or without a slash at its end. */
function below(path: string): string {
    return `${location.pathname.replace(/\/*$/, '/')}${path}`;
}

@injectable()
export class BackendLink implements FrontendApplicationContribution {
    @inject(WebSocketConnectionSource)
    protected readonly source!: WebSocketConnectionSource;

    @inject(FrontendIdProvider)
    protected readonly frontend!: FrontendIdProvider;

    @inject(PlatformFrame)
    protected readonly platform!: PlatformFrame;

    @inject(UnsavedText)
    protected readonly unsaved!: UnsavedText;

    @inject(WindowService)
    protected readonly window!: WindowService;

    @inject(MessageService)
    protected readonly messages!: MessageService;

    protected asking = false;
    protected lastTicket = -MIN_BETWEEN_TICKETS_MS;
    protected told = false;
    protected later: ReturnType<typeof setTimeout> | undefined;

    onStart(): void {
        const { socket } = this.source;
        socket.on('connect', () => {
            this.told = false;
        });
        this.clearUp();
        socket.on('connect_error', () => void this.findOut());
        socket.on('disconnect', reason => {
            if (reason === 'io server disconnect') {
                void this.findOut(); // socket.io itself does not try again after this one
            }
        });
        // Heard before Theia's own listener, which reloads the page (reloadOnReconnect).
        socket.on(ConnectionManagementMessages.RECONNECT, (known: boolean) => {
            if (!known && this.unsaved.keep()) {
                this.window.setSafeToShutDown();
            }
        });
        window.addEventListener('pagehide', () => {
            // A call on the socket would be lost when the socket ends with the page; a beacon is not.
            navigator.sendBeacon(below('coditect/leave'), this.frontend.getId());
        }, { capture: true }); // before the desk's last word, which is larger
    }

    protected clearUp(): void {
        const before = sessionStorage.getItem(SHOWN);
        sessionStorage.setItem(SHOWN, this.frontend.getId());
        if (before) {
            navigator.sendBeacon(below('coditect/left'), before);
        }
    }

    protected async findOut(): Promise<void> {
        if (this.asking || this.source.socket.connected) {
            return;
        }
        this.asking = true;
        try {
            const reply = await fetch(below('coditect/session'), { cache: 'no-store', credentials: 'same-origin' });
            if (reply.status === 401) {
                await this.renew();
            } else if (reply.ok) {
                this.connectNow();
            }
        } catch {
            // The network is away; socket.io tries again by itself, and this is asked again.
        } finally {
            this.asking = false;
        }
    }

    protected async renew(): Promise<void> {
        const wait = this.lastTicket + MIN_BETWEEN_TICKETS_MS - performance.now();
        if (wait > 0) {
            clearTimeout(this.later); // whoever asks next in the meantime does not ask twice
            this.later = setTimeout(() => void this.findOut(), wait);
            return;
        }
        this.lastTicket = performance.now();
        const url = this.platform.framed ? await this.platform.requestTicket() : undefined;
        if (url && (await fetch(url, { cache: 'no-store', credentials: 'same-origin' })).ok) {
            this.connectNow();
        } else if (!this.told) {
            this.told = true;
            void this.messages.warn(
                'Your sign-in has ended. Sign in to Coditect again: this page then continues by itself. ' +
                'What is typed here and not saved is still in the editor.'
            );
        }
    }

    /** Without waiting for the pause between socket.io's own attempts. */
    protected connectNow(): void {
        const { socket } = this.source;
        if (!socket.connected) {
            socket.disconnect();
            socket.connect();
        }
    }
}
