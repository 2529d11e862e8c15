/*
 * Choosing from a list. One that is filled before it is shown, or while the page is busy, may measure itself before it has a size,
 * and then has no rows until it is measured again: a change of the window's size makes it.
 */

import { QuickInputService, QuickPickItem, QuickPickOptions, QuickPickSeparator } from '@theia/core/lib/browser';

const SHOWN_MS = 200;

/** Undefined: nothing was chosen. */
export function pickFrom<T extends QuickPickItem>(
    quickInput: QuickInputService, items: Array<T | QuickPickSeparator>, options: QuickPickOptions<T>
): Promise<T | undefined> {
    const picked = quickInput.showQuickPick<T>(items, { ...options, canSelectMany: false });
    setTimeout(() => window.dispatchEvent(new Event('resize')), SHOWN_MS);
    return picked;
}
