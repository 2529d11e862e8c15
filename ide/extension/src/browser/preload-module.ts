import { ContainerModule } from '@theia/core/shared/inversify';
import { WebSocketConnectionSource } from '@theia/core/lib/browser/messaging/ws-connection-source';
import { ReliableConnection } from './reliable-connection';

/** Loaded before anything asks for the connection: it is made once, and for all. */
export default new ContainerModule((_bind, _unbind, _isBound, rebind) => {
    rebind(WebSocketConnectionSource).to(ReliableConnection).inSingletonScope();
});
