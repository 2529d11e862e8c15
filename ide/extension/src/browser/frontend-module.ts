import { ContainerModule } from '@theia/core/shared/inversify';
import { ChatAgent } from '@theia/ai-chat/lib/common/chat-agents';
import { DefaultChatAgentId } from '@theia/ai-chat/lib/common/chat-agent-service';
import { ChatWelcomeMessageProvider } from '@theia/ai-chat-ui/lib/browser/chat-tree-view';
import { Agent } from '@theia/ai-core/lib/common';
import { FrontendApplicationContribution, KeybindingContribution } from '@theia/core/lib/browser';
import { AboutDialog } from '@theia/core/lib/browser/about-dialog';
import { ApplicationConnectionStatusContribution } from '@theia/core/lib/browser/connection-status-service';
import { ServiceConnectionProvider } from '@theia/core/lib/browser/messaging/service-connection-provider';
import { ShellLayoutRestorer } from '@theia/core/lib/browser/shell/shell-layout-restorer';
import { TabBarDecorator } from '@theia/core/lib/browser/shell/tab-bar-decorator';
import { TabBarToolbarContribution } from '@theia/core/lib/browser/shell/tab-bar-toolbar';
import { LocalStorageService } from '@theia/core/lib/browser/storage-service';
import { CommandContribution, MenuContribution, MessageService } from '@theia/core/lib/common';
import { PreferenceServiceImpl } from '@theia/core/lib/common/preferences';
import { ResourceResolver } from '@theia/core/lib/common/resource';
import { FileService } from '@theia/filesystem/lib/browser/file-service';
import { FileResourceResolver } from '@theia/filesystem/lib/browser/file-resource';
import { GettingStartedWidget } from '@theia/getting-started/lib/browser/getting-started-widget';
import { ThemeServiceWithDB } from '@theia/monaco/lib/browser/monaco-indexed-db';
import { MonacoEditorModelFactory } from '@theia/monaco/lib/browser/monaco-text-model-service';
import { MonacoThemeRegistry } from '@theia/monaco/lib/browser/textmate/monaco-theme-registry';
import { NavigatorTreeDecorator } from '@theia/navigator/lib/browser/navigator-decorator-service';
import { TimelineWidget } from '@theia/timeline/lib/browser/timeline-widget';
import { DESK_SERVICE_PATH, DeskService } from '../common/desk';
import { PAST_SERVICE_PATH, PastService } from '../common/past';
import { WORKSPACE_SERVICE_PATH, WorkspaceService } from '../common/workspace-service';
import { About } from './about';
import { Account } from './account';
import { Activity } from './activity';
import { BackendLink } from './backend-link';
import { CarefulFiles } from './careful-files';
import { ChatWelcome, CoditectAgent } from './chat';
import { Commands } from './commands';
import { Conflicts, DiskFiles } from './conflicts';
import { Desk } from './desk';
import { EditorSettings } from './editor-settings';
import { FailedSaveNotices, FailedSaves, ToldResources } from './failed-saves';
import { FileModels } from './file-model';
import { FirstLayout } from './first-layout';
import { LayoutKeeper, SizedLayoutRestorer } from './layout-keeper';
import { NewsContribution } from './news';
import { NotKeptDecorator } from './not-kept';
import { PastCommands } from './past-commands';
import { PastFiles } from './past-files';
import { Persistence } from './persistence';
import { PersistenceItem, QuietConnectionStatus } from './persistence-item';
import { PlainMessages } from './plain-messages';
import { PlatformFrame } from './platform-frame';
import { SettingPreferences } from './setting-preferences';
import { StillComing } from './still-coming';
import { TerminalStatus } from './terminal-status';
import { FollowingThemes } from './theme-service';
import { ThemeSync } from './theme-sync';
import { PastTimeline, WholeTimeline } from './timeline';
import { CoditectThemeRegistry, replaceTheiasThemes } from './themes';
import { UnsavedText } from './unsaved-text';
import { Welcome } from './welcome';
import '../../src/browser/style/index.css';

replaceTheiasThemes();

export default new ContainerModule((bind, _unbind, _isBound, rebind) => {
    bind(WorkspaceService).toDynamicValue(context =>
        ServiceConnectionProvider.createProxy<WorkspaceService>(context.container, WORKSPACE_SERVICE_PATH)
    ).inSingletonScope();

    bind(PastService).toDynamicValue(context =>
        ServiceConnectionProvider.createProxy<PastService>(context.container, PAST_SERVICE_PATH)
    ).inSingletonScope();

    bind(DeskService).toDynamicValue(context =>
        ServiceConnectionProvider.createProxy<DeskService>(context.container, DESK_SERVICE_PATH)
    ).inSingletonScope();
    rebind(LocalStorageService).to(Desk).inSingletonScope();

    bind(PlatformFrame).toSelf().inSingletonScope();
    bind(Persistence).toSelf().inSingletonScope();
    for (const contribution of [
        Account, Activity, BackendLink, Conflicts, EditorSettings, FailedSaveNotices, FirstLayout, LayoutKeeper, NewsContribution, PastTimeline,
        PersistenceItem, StillComing, TerminalStatus, ThemeSync, UnsavedText
    ]) {
        bind(contribution).toSelf().inSingletonScope();
        bind(FrontendApplicationContribution).toService(contribution);
    }
    bind(PastFiles).toSelf().inSingletonScope();
    bind(ResourceResolver).toService(PastFiles);
    bind(DiskFiles).toSelf().inSingletonScope();
    bind(ResourceResolver).toService(DiskFiles);
    bind(FileModels).toSelf().inSingletonScope();
    bind(MonacoEditorModelFactory).toService(FileModels);
    rebind(FileService).to(CarefulFiles).inSingletonScope();
    bind(PastCommands).toSelf().inSingletonScope();
    for (const contribution of [CommandContribution, MenuContribution, TabBarToolbarContribution]) {
        bind(contribution).toService(PastCommands);
    }
    rebind(TimelineWidget).to(WholeTimeline);

    bind(CommandContribution).toService(PersistenceItem);
    rebind(ShellLayoutRestorer).to(SizedLayoutRestorer).inSingletonScope();
    rebind(ApplicationConnectionStatusContribution).to(QuietConnectionStatus).inSingletonScope();

    bind(CommandContribution).toService(Account);
    bind(KeybindingContribution).toService(Account);
    bind(MenuContribution).toService(Account);
    bind(NotKeptDecorator).toSelf().inSingletonScope();
    bind(NavigatorTreeDecorator).toService(NotKeptDecorator);
    rebind(MessageService).to(PlainMessages).inSingletonScope();
    bind(TabBarDecorator).toService(TerminalStatus);
    bind(FailedSaves).toSelf().inSingletonScope();
    rebind(FileResourceResolver).to(ToldResources).inSingletonScope();

    bind(Commands).toSelf().inSingletonScope();
    bind(CommandContribution).toService(Commands);
    bind(MenuContribution).toService(Commands);

    rebind(MonacoThemeRegistry).to(CoditectThemeRegistry).inSingletonScope();
    bind(SettingPreferences).toSelf().inSingletonScope();
    rebind(PreferenceServiceImpl).toService(SettingPreferences);
    bind(FollowingThemes).toSelf().inSingletonScope();
    rebind(ThemeServiceWithDB).toService(FollowingThemes);
    rebind(GettingStartedWidget).to(Welcome);
    rebind(AboutDialog).to(About).inSingletonScope();

    bind(CoditectAgent).toSelf().inSingletonScope();
    bind(Agent).toService(CoditectAgent);
    bind(ChatAgent).toService(CoditectAgent);
    bind(DefaultChatAgentId).toConstantValue({ id: 'Coditect' });
    bind(ChatWelcome).toSelf().inSingletonScope();
    bind(ChatWelcomeMessageProvider).toService(ChatWelcome);
});
