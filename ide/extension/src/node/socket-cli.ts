/* Makes Theia listen on a unix socket: there is no option for it, but its server takes a path for a port. */

import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { Server as HttpServer } from 'node:http';
import { Server as HttpsServer } from 'node:https';
import { inject, injectable } from '@theia/core/shared/inversify';
import { BackendApplicationCliContribution, BackendApplicationContribution } from '@theia/core/lib/node';
import type { Arguments } from '@theia/core/shared/yargs';
import { Environment } from './environment';

@injectable()
export class SocketCli extends BackendApplicationCliContribution {
    @inject(Environment)
    protected readonly environment!: Environment;

    override setArguments(args: Arguments): void {
        super.setArguments(args);
        const { socket } = this.environment;
        if (socket !== undefined) {
            if (lstatSync(socket, { throwIfNoEntry: false })?.isSocket()) {
                unlinkSync(socket); // left by a backend that was killed
            }
            Object.assign(this, { port: socket });
        }
    }
}

/** The socket is born with the permissions of the umask; only this user may connect. */
@injectable()
export class SocketPermissions implements BackendApplicationContribution {
    @inject(Environment)
    protected readonly environment!: Environment;

    onStart(server: HttpServer | HttpsServer): void {
        const { socket } = this.environment;
        if (socket !== undefined) {
            const onlyUs = (): void => chmodSync(socket, 0o600);
            if (server.listening) {
                onlyUs();
            } else {
                server.once('listening', onlyUs);
            }
        }
    }
}
