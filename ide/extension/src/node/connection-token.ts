import * as express from '@theia/core/shared/express';
import { inject, injectable } from '@theia/core/shared/inversify';
import {
    BROWSER_TOKEN_COOKIE_NAME,
    BrowserConnectionTokenBackendContribution
} from '@theia/core/lib/node/hosting/browser-connection-token';
import { Environment } from './environment';

/** Theia sets its cookie for `/`: two sessions below two paths of one host would overwrite each other's. */
@injectable()
export class ConnectionToken extends BrowserConnectionTokenBackendContribution {
    @inject(Environment)
    protected readonly environment!: Environment;

    protected override expressMiddleware(
        request: express.Request,
        reply: express.Response,
        next: express.NextFunction
    ): void {
        const given = this.getTokenFromCookie(request);
        if (!given || !this.isTokenValid(given)) {
            reply.cookie(BROWSER_TOKEN_COOKIE_NAME, this.browserConnectionToken.value, {
                httpOnly: true,
                sameSite: 'strict',
                path: this.environment.basePath
            });
        }
        next();
    }
}
