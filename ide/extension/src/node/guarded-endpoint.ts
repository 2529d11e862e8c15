import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { inject, injectable } from '@theia/core/shared/inversify';
import { WebsocketEndpoint } from '@theia/core/lib/node/messaging/websocket-endpoint';
import { GatewayGuard } from './gateway-guard';

/** Theia's socket endpoint with the guard before it. */
@injectable()
export class GuardedEndpoint extends WebsocketEndpoint {
    @inject(GatewayGuard)
    protected readonly guard!: GatewayGuard;

    override onStart(server: HttpServer | HttpsServer): void {
        super.onStart(server);
        this.guard.refuseOn(server);
    }
}
