/*
 * The conversation with the platform's page that frames this IDE. Only messages of the framing window, from an origin
 * that the workspace was told of, are heard; everything is sent to those origins alone. Outside a frame it is silent.
 */

import { inject, injectable, postConstruct } from '@theia/core/shared/inversify';
import { Emitter } from '@theia/core/lib/common';
import { Editor, IdeMessage, Person, toPlatformMessage } from '../common/frame-messages';
import { ThemeKind } from '../common/palette';
import { WorkspaceService } from '../common/workspace-service';

const TICKET_WAIT_MS = 6_000;

@injectable()
export class PlatformFrame {
    @inject(WorkspaceService)
    protected readonly workspace!: WorkspaceService;

    protected origins: readonly string[] = [];
    protected readonly themeEmitter = new Emitter<ThemeKind>();
    protected readonly ticketEmitter = new Emitter<string>();
    protected readonly personEmitter = new Emitter<Person>();
    readonly onTheme = this.themeEmitter.event;
    readonly onPerson = this.personEmitter.event;
    protected readonly shownEmitter = new Emitter<boolean>();
    readonly onShown = this.shownEmitter.event;
    protected readonly editorEmitter = new Emitter<Editor['settings']>();
    readonly onEditor = this.editorEmitter.event;

    readonly framed = window.parent !== window;

    @postConstruct()
    protected init(): void {
        if (this.framed) {
            window.addEventListener('message', event => this.hear(event));
        }
    }

    /** Resolves when the platform's origins are known; what is sent before that goes nowhere. */
    async connect(): Promise<void> {
        this.origins = (await this.workspace.session()).platformOrigins;
    }

    send(message: IdeMessage): void {
        if (this.framed) {
            this.origins.forEach(origin => window.parent.postMessage(message, origin));
        }
    }

    /** Asks for a new ticket. Resolves with a URL on this IDE's own origin, or with nothing when none came in time. */
    requestTicket(): Promise<URL | undefined> {
        return new Promise(resolve => {
            const done = (url?: URL): void => {
                clearTimeout(timer);
                listener.dispose();
                resolve(url);
            };
            const timer = setTimeout(done, TICKET_WAIT_MS);
            const listener = this.ticketEmitter.event(text => {
                const url = URL.canParse(text, location.href) ? new URL(text, location.href) : undefined;
                if (url?.origin === location.origin) {
                    done(url);
                }
            });
            this.send({ type: 'coditect.ticket.request' });
        });
    }

    protected hear(event: MessageEvent<unknown>): void {
        if (event.source !== window.parent || !this.origins.includes(event.origin)) {
            return;
        }
        const message = toPlatformMessage(event.data);
        if (message?.type === 'coditect.theme') {
            this.themeEmitter.fire(message.theme);
        } else if (message?.type === 'coditect.ticket') {
            this.ticketEmitter.fire(message.url);
        } else if (message?.type === 'coditect.person') {
            this.personEmitter.fire(message);
        } else if (message?.type === 'coditect.shown') {
            this.shownEmitter.fire(message.shown);
        } else if (message?.type === 'coditect.editor') {
            this.editorEmitter.fire(message.settings);
        }
    }
}
