import { ContainerModule } from '@theia/core/shared/inversify';
import { ConnectionHandler, RpcConnectionHandler } from '@theia/core/lib/common';
import { BackendApplicationCliContribution, BackendApplicationContribution } from '@theia/core/lib/node';
import { BrowserConnectionTokenBackendContribution } from '@theia/core/lib/node/hosting/browser-connection-token';
import { WebsocketEndpoint } from '@theia/core/lib/node/messaging/websocket-endpoint';
import {
    ReconnectableSocketChannel, WebsocketFrontendConnectionService
} from '@theia/core/lib/node/messaging/websocket-frontend-connection-service';
import { WsRequestValidatorContribution } from '@theia/core/lib/node/ws-request-validators';
import { DiskFileSystemProvider } from '@theia/filesystem/lib/node/disk-file-system-provider';
import { DESK_SERVICE_PATH, DeskService } from '../common/desk';
import { PAST_SERVICE_PATH, PastService } from '../common/past';
import { WORKSPACE_SERVICE_PATH, WorkspaceService } from '../common/workspace-service';
import { CarefulDisk } from './careful-disk';
import { ConnectionToken } from './connection-token';
import { DeskServiceImpl } from './desk-service-impl';
import { Environment } from './environment';
import { GatewayGuard } from './gateway-guard';
import { GuardedEndpoint } from './guarded-endpoint';
import { Mirror } from './mirror';
import { PastServiceImpl } from './past-service-impl';
import { PatientConnections, ReliableChannel } from './patient-connections';
import { Routes } from './routes';
import { SocketCli, SocketPermissions } from './socket-cli';
import { WorkspaceServiceImpl } from './workspace-service-impl';

// Webviews and previews live on the IDE's own origin: it belongs to one session, and no other name leads there.
process.env.THEIA_WEBVIEW_EXTERNAL_ENDPOINT ??= '{{hostname}}';
process.env.THEIA_MINI_BROWSER_HOST_PATTERN ??= '{{hostname}}';

// Whoever started this is gone when nobody reads what it says. Theia would say so on the same pipe, and say that that failed, for ever.
for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', () => process.exit(1));
}

export default new ContainerModule((bind, _unbind, _isBound, rebind) => {
    bind(Environment).toSelf().inSingletonScope();

    bind(GatewayGuard).toSelf().inSingletonScope();
    bind(BackendApplicationContribution).toService(GatewayGuard);
    bind(WsRequestValidatorContribution).toService(GatewayGuard);
    rebind(WebsocketEndpoint).to(GuardedEndpoint).inSingletonScope();

    bind(SocketCli).toSelf().inSingletonScope();
    rebind(BackendApplicationCliContribution).toService(SocketCli);
    bind(SocketPermissions).toSelf().inSingletonScope();
    bind(BackendApplicationContribution).toService(SocketPermissions);

    rebind(BrowserConnectionTokenBackendContribution).to(ConnectionToken).inSingletonScope();
    rebind(WebsocketFrontendConnectionService).to(PatientConnections).inSingletonScope();
    rebind(ReconnectableSocketChannel).to(ReliableChannel);

    bind(Mirror).toSelf().inSingletonScope();
    rebind(DiskFileSystemProvider).to(CarefulDisk);

    bind(Routes).toSelf().inSingletonScope();
    bind(BackendApplicationContribution).toService(Routes);

    bind(WorkspaceServiceImpl).toSelf().inSingletonScope();
    bind(WorkspaceService).toService(WorkspaceServiceImpl);
    bind(ConnectionHandler).toDynamicValue(context =>
        new RpcConnectionHandler(WORKSPACE_SERVICE_PATH, () => context.container.get<object>(WorkspaceService))
    ).inSingletonScope();

    bind(PastServiceImpl).toSelf().inSingletonScope();
    bind(PastService).toService(PastServiceImpl);
    bind(ConnectionHandler).toDynamicValue(context =>
        new RpcConnectionHandler(PAST_SERVICE_PATH, () => context.container.get<object>(PastService))
    ).inSingletonScope();

    bind(DeskServiceImpl).toSelf().inSingletonScope();
    bind(DeskService).toService(DeskServiceImpl);
    bind(ConnectionHandler).toDynamicValue(context =>
        new RpcConnectionHandler(DESK_SERVICE_PATH, () => context.container.get<object>(DeskService))
    ).inSingletonScope();
});
