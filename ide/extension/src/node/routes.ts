import * as express from '@theia/core/shared/express';
import { injectable } from '@theia/core/shared/inversify';
import { BackendApplicationContribution } from '@theia/core/lib/node';
import { HEALTH_PATH } from './gateway-guard';

/** `/coditect/healthz`: the backend runs. `/coditect/session`: the way to it is open; renews Theia's cookie. */
@injectable()
export class Routes implements BackendApplicationContribution {
    configure(app: express.Application): void {
        app.get(HEALTH_PATH, (_request, reply) => void reply.json({ status: 'ok' }));
        app.get('/coditect/session', (_request, reply) => void reply.set('Cache-Control', 'no-store').sendStatus(204));
    }
}
