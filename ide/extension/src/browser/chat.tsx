/*
 * The AI chat's agent, and what it says while there is no model: nothing is sent anywhere before somebody has set one up.
 */

import * as React from '@theia/core/shared/react';
import { inject, injectable, postConstruct } from '@theia/core/shared/inversify';
import { AbstractStreamParsingChatAgent } from '@theia/ai-chat/lib/common/chat-agents';
import { MarkdownChatResponseContentImpl, MutableChatRequestModel } from '@theia/ai-chat/lib/common/chat-model';
import { ChatWelcomeMessageProvider } from '@theia/ai-chat-ui/lib/browser/chat-tree-view';
import { LanguageModelRegistry, LanguageModelRequirement } from '@theia/ai-core/lib/common';
import { CommonCommands, codicon } from '@theia/core/lib/browser';
import { CommandRegistry, Emitter } from '@theia/core/lib/common';

const NO_MODEL = 'No AI model is set up, so nobody can answer yet. ' +
    'Add one in the settings under **AI Features › OpenAI Custom** (any endpoint that speaks the OpenAI API), then ask again. ' +
    'Your question was not sent anywhere.';

async function hasModel(models: LanguageModelRegistry): Promise<boolean> {
    return (await models.getLanguageModels()).some(model => model.status.status === 'ready');
}

@injectable()
export class CoditectAgent extends AbstractStreamParsingChatAgent {
    readonly id = 'Coditect';
    readonly name = 'Coditect';
    override readonly description = 'Answers questions about the code in this workspace with the model you have set up.';
    override iconClass = 'coditect-tab-icon';
    override readonly languageModelRequirements: LanguageModelRequirement[] = [
        { purpose: 'chat', identifier: 'default/universal' }
    ];
    override readonly prompts = [{
        id: 'coditect-system',
        defaultVariant: {
            id: 'coditect-system-default',
            template: 'You are the assistant of the Coditect IDE. Be brief and exact. The person works in /workspace.'
        }
    }];
    protected override readonly defaultLanguageModelPurpose = 'chat';
    protected override systemPromptId = 'coditect-system';

    override async invoke(request: MutableChatRequestModel): Promise<void> {
        if (await hasModel(this.languageModelRegistry)) {
            return super.invoke(request);
        }
        request.response.response.addContent(new MarkdownChatResponseContentImpl(NO_MODEL));
        request.response.complete();
    }
}

@injectable()
export class ChatWelcome implements ChatWelcomeMessageProvider {
    @inject(LanguageModelRegistry)
    protected readonly models!: LanguageModelRegistry;

    @inject(CommandRegistry)
    protected readonly commands!: CommandRegistry;

    protected readonly stateChanged = new Emitter<void>();
    readonly onStateChanged = this.stateChanged.event;

    hasReadyModels = false;

    /** The question may be typed all the same: the agent then says what is missing. */
    readonly modelRequirementBypassed = true;

    @postConstruct()
    protected init(): void {
        this.models.onChange(() => void this.look());
        void this.look();
    }

    protected async look(): Promise<void> {
        this.hasReadyModels = await hasModel(this.models);
        this.stateChanged.fire();
    }

    renderWelcomeMessage(): React.ReactNode {
        return <div className='coditect-chat-welcome' key='coditect'>
            <span className='coditect-mark' />
            {this.hasReadyModels ? <p>Ask about the code in this workspace.</p> : this.renderNoModel()}
        </div>;
    }

    protected renderNoModel(): React.ReactNode {
        const open = (): void => void this.commands.executeCommand(CommonCommands.OPEN_PREFERENCES.id, 'ai-features.openAiCustom');
        return <>
            <h3>No AI model is set up</h3>
            <p>The chat answers once a model is configured. Nothing is sent anywhere before that.</p>
            <button className='theia-button main' onClick={open}><i className={codicon('settings-gear')} /> Set up a model</button>
        </>;
    }
}
