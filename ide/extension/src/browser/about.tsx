import * as React from '@theia/core/shared/react';
import { inject, injectable } from '@theia/core/shared/inversify';
import { AboutDialog, AboutDialogProps } from '@theia/core/lib/browser/about-dialog';
import { FrontendApplicationConfigProvider } from '@theia/core/lib/browser/frontend-application-config-provider';
import { SessionInfo, WorkspaceService } from '../common/workspace-service';

@injectable()
export class About extends AboutDialog {
    @inject(WorkspaceService)
    protected readonly session!: WorkspaceService;

    protected info: SessionInfo | undefined;

    constructor(@inject(AboutDialogProps) props: AboutDialogProps) {
        super(props);
    }

    protected override async doInit(): Promise<void> {
        this.info = await this.session.session();
        await super.doInit();
    }

    protected override render(): React.ReactNode {
        const theia = this.extensionsInfos.find(extension => extension.name === '@theia/core')?.version;
        return <div className='coditect-about'>
            <span className='coditect-mark' />
            <h3>{FrontendApplicationConfigProvider.get().applicationName}</h3>
            <dl>
                <dt>Version</dt><dd>{this.applicationInfo?.version ?? ''}</dd>
                <dt>Eclipse Theia</dt><dd>{theia ?? ''}</dd>
                {this.info?.id ? <><dt>Session</dt><dd><code>{this.info.id}</code></dd></> : undefined}
            </dl>
        </div>;
    }
}
