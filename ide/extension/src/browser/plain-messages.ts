import { injectable } from '@theia/core/shared/inversify';
import { MessageService, MessageType } from '@theia/core/lib/common';
import { inPlainWords } from '../common/plain-words';

/** Errors and warnings are shown in words that say what to do; what was said exactly stands in the console. */
@injectable()
export class PlainMessages extends MessageService {
    protected override processMessage(type: MessageType, text: string, args?: unknown[]): Promise<string | undefined> {
        const plain = type === MessageType.Error || type === MessageType.Warning ? inPlainWords(text) : undefined;
        if (plain !== undefined) {
            console.warn(text);
        }
        return super.processMessage(type, plain ?? text, args);
    }
}
