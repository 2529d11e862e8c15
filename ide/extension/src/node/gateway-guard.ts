/*
 * Who may talk to this backend: only the gateway, which authenticates people before it. The socket's permissions
 * say the same; this is the second wall.
 *
 * 1. Plain requests are refused by Express, before any other handler.
 * 2. engine.io takes its requests and upgrades off the server before Express sees them, and would answer a refusal
 *    by 403 or 400. `refuseOn` stands before engine.io and answers 401, which the frontend understands as
 *    "ask for a new ticket".
 * 3. The validator refuses an upgrade even if a later listener got round 2.
 */

import { createHash, timingSafeEqual } from 'node:crypto';
import { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { Duplex } from 'node:stream';
import { inject, injectable } from '@theia/core/shared/inversify';
import { BackendApplicationContribution, EarlyExpressMiddleware } from '@theia/core/lib/node';
import { WsRequestValidatorContribution } from '@theia/core/lib/node/ws-request-validators';
import { Environment } from './environment';

export const HEALTH_PATH = '/coditect/healthz';
const HEADER = 'x-coditect-gateway';

const digest = (value: string): Buffer => createHash('sha256').update(value).digest();

type Listener = (request: IncomingMessage, reply: ServerResponse | Duplex, head?: Buffer) => void;

@injectable()
export class GatewayGuard implements BackendApplicationContribution, WsRequestValidatorContribution {
    @inject(EarlyExpressMiddleware)
    protected readonly early!: EarlyExpressMiddleware;

    @inject(Environment)
    protected readonly environment!: Environment;

    initialize(): void {
        this.early.handlers.unshift((request, reply, next) => {
            if (this.allows(request)) {
                next();
            } else {
                reply.status(401).type('text/plain').send('not through the gateway\n');
            }
        });
    }

    allowWsUpgrade(request: IncomingMessage): boolean {
        return this.allows(request);
    }

    allows(request: IncomingMessage): boolean {
        const { gatewaySecret } = this.environment;
        if (gatewaySecret === undefined || request.url === HEALTH_PATH) {
            return true;
        }
        const given = request.headers[HEADER];
        return typeof given === 'string' && timingSafeEqual(digest(given), digest(gatewaySecret));
    }

    /** Puts the guard before every listener that `server` has now. */
    refuseOn(server: HttpServer | HttpsServer): void {
        for (const event of ['request', 'upgrade']) {
            const guarded = server.listeners(event) as Listener[];
            server.removeAllListeners(event);
            server.on(event, (request: IncomingMessage, reply: ServerResponse | Duplex, head?: Buffer) => {
                if (this.allows(request)) {
                    guarded.forEach(listener => listener.call(server, request, reply, head));
                } else if (reply instanceof ServerResponse) {
                    reply.writeHead(401, { 'Content-Type': 'text/plain' }).end('not through the gateway\n');
                } else {
                    reply.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
                }
            });
        }
    }
}
