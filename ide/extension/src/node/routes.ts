import * as express from '@theia/core/shared/express';
import { inject, injectable } from '@theia/core/shared/inversify';
import { BackendApplicationContribution } from '@theia/core/lib/node';
import { WebsocketFrontendConnectionService } from '@theia/core/lib/node/messaging/websocket-frontend-connection-service';
import { DeskService } from '../common/desk';
import { HEALTH_PATH } from './gateway-guard';
import { PatientConnections } from './patient-connections';

const MAX_ID = 100;
const MAX_LAST_WORD = 64 * 1024;

/**
 * `/coditect/healthz`: the backend runs. `/coditect/session`: the way to it is open; renews Theia's cookie.
 * `POST /coditect/leave`, the page's id as text: it goes away for good, and nobody waits for it to come back.
 * `POST /coditect/left`, the id of the page that a tab showed before this one: the same, unless it is connected.
 * `POST /coditect/desk`, the desk as text: the last word of such a page.
 */
@injectable()
export class Routes implements BackendApplicationContribution {
    @inject(WebsocketFrontendConnectionService)
    protected readonly connections!: WebsocketFrontendConnectionService;

    @inject(DeskService)
    protected readonly desk!: DeskService;

    configure(app: express.Application): void {
        app.post('/coditect/leave', express.text({ limit: MAX_ID }), (request, reply) => {
            if (typeof request.body === 'string' && request.body.length > 0) {
                this.connections.markForClose(request.body);
            }
            reply.sendStatus(204);
        });
        app.post('/coditect/left', express.text({ limit: MAX_ID }), (request, reply) => {
            if (typeof request.body === 'string' && this.connections instanceof PatientConnections) {
                this.connections.clearUp(request.body);
            }
            reply.sendStatus(204);
        });
        app.post('/coditect/desk', express.text({ limit: MAX_LAST_WORD }), (request, reply) => {
            if (typeof request.body === 'string' && request.body.length > 0) {
                void this.desk.keep(request.body);
            }
            reply.sendStatus(204);
        });
        app.get(HEALTH_PATH, (_request, reply) => void reply.json({ status: 'ok' }));
        app.get('/coditect/session', (_request, reply) => void reply.set('Cache-Control', 'no-store').sendStatus(204));
    }
}
