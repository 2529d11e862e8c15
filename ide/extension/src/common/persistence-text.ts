/* From what is known about persistence to the words in the status bar. Pure, so that every case can be tested. */

import { DoorStatus } from './door';
import { failureOf } from './not-kept';
import { DoorReport } from './workspace-service';

export interface NotSaved {
    readonly path: string;
    readonly why: string;
    /** Somebody else changed it, and the person has to choose. */
    readonly choice: boolean;
}

export interface Knowledge {
    /** `connecting` until the first report, `lost` when the backend is out of reach. */
    readonly link: 'connecting' | 'open' | 'lost';
    readonly report?: DoorReport;
    /** Files with changes that are saved or about to be, but not confirmed to be in the store. */
    readonly unconfirmed: number;
    /** Files with changes that stay in their editor until the person saves them. */
    readonly typed: number;
    /** Editors that never were a file, so that nothing can persist them. */
    readonly untitled: number;
    /** Files with text of the page before this one, which is in no editor yet. */
    readonly kept: readonly string[];
    /** Files of editors that could not be written. */
    readonly notSaved: readonly NotSaved[];
}

export type Mood = 'good' | 'busy' | 'attention' | 'bad';

export interface Words {
    readonly text: string;
    /** Name of a codicon. */
    readonly icon: string;
    readonly mood: Mood;
    readonly detail: string;
}

const many = (n: number, one: string, more: string): string => `${n.toLocaleString('en')} ${n === 1 ? one : more}`;

function lost(detail: string): Words {
    return { text: 'Connection lost', icon: 'debug-disconnect', mood: 'bad', detail };
}

function persisting(files: number): Words {
    return {
        text: files > 0 ? `Persisting ${many(files, 'file', 'files')}…` : 'Persisting…',
        icon: 'sync~spin',
        mood: 'busy',
        detail: 'Changes are on their way to the store.'
    };
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

function notSaved([first, ...more]: Knowledge['notSaved']): Words | undefined {
    return first && {
        text: more.length === 0 ? `Not saved: ${nameOf(first.path)}` : `Not saved: ${more.length + 1} files`,
        icon: 'error',
        mood: 'bad',
        detail: `${first.why} What you typed is still in the editor.`
    };
}

function firstSentence(message: string): string {
    const [first = message] = message.split(/(?<=\.) |: /);
    return first.replace(/\.$/, '');
}

/** What is wrong although all is stored, as folders that cannot be watched; what merely happened is told once, by a notice. */
function troubleOf({ message, notice }: DoorStatus): string | undefined {
    return message === notice?.text ? undefined : message;
}

/** The store answers, and takes nothing: the first sentence says why. */
function refused(message: string, waiting: number): Words {
    const why = firstSentence(message);
    return {
        text: waiting > 0 ? `${why}: ${many(waiting, 'change', 'changes')} waiting` : why,
        icon: 'error',
        mood: 'bad',
        detail: message
    };
}

/** `undefined`: what is written is stored, or waits for a store that is merely out of reach. */
export function whyNothingIsStored({ link, report }: Knowledge): Words | undefined {
    if (link !== 'open' || report?.kind !== 'status' || report.status.state !== 'offline') {
        return undefined;
    }
    const why = troubleOf(report.status);
    return why === undefined ? undefined : refused(why, 0);
}

/** Files are still coming from the store, or are to come once it answers: what is not there is not gone. */
export function isFilling({ report }: Pick<Knowledge, 'report'>): boolean {
    if (report?.kind !== 'status') {
        return false;
    }
    const { state, restoring } = report.status;
    return state === 'restoring' || (restoring !== undefined && restoring.done < restoring.total);
}

/** No trouble, and not stored: what the tooltip says is what a loss of the disk would cost. */
function resting(files: number): Words {
    return {
        text: `Persisted; ${many(files, 'quiet file waits', 'quiet files wait')}`,
        icon: 'check',
        mood: 'good',
        detail: `Everything else is in the store. ${files === 1 ? 'This file is' : 'These files are'} written to all the time: `
            + 'what is new in them is stored once they are still for 10 seconds, at the latest after a minute, and before this workspace pauses. '
            + 'Until then it is on this workspace’s disk only. .coditectquiet and the team’s settings say which files are quiet.'
    };
}

function whenReported(report: DoorReport, known: Knowledge): Words {
    if (report.kind === 'unreachable') {
        return lost('The workspace does not answer. The IDE keeps asking; what you typed is still in the editor.');
    }
    if (report.kind === 'none') {
        return {
            text: 'Not persisted',
            icon: 'warning',
            mood: 'attention',
            detail: 'This IDE runs without a workspace service. Files stay on this disk only.'
        };
    }
    const { state, pending, quiet, heldBack, failed, failedCount, restoring, message } = report.status;
    switch (state) {
        case 'restoring':
            return {
                text: restoring && restoring.total > 0
                    ? `Restoring ${restoring.done.toLocaleString('en')} of ${many(restoring.total, 'file', 'files')}…`
                    : 'Restoring files…',
                icon: 'cloud-download',
                mood: 'busy',
                detail: message ?? 'Files are coming back from the store.'
            };
        case 'conflict':
            return {
                text: heldBack > 0 ? `${many(heldBack, 'deletion', 'deletions')} held back` : 'Waiting for your choice',
                icon: 'warning',
                mood: 'attention',
                detail: message ?? 'Many files are missing and nobody was seen deleting them. The store keeps them.'
            };
        case 'offline': {
            const waiting = Math.max(pending + quiet, known.unconfirmed);
            const why = troubleOf(report.status);
            if (why !== undefined) {
                return refused(why, waiting);
            }
            return {
                text: waiting > 0 ? `Offline: ${many(waiting, 'change', 'changes')} waiting` : 'Offline',
                icon: 'cloud',
                mood: 'attention',
                detail: 'The store is out of reach. Changes wait on the workspace’s disk.'
            };
        }
        case 'persisting':
            return persisting(Math.max(pending, known.unconfirmed));
        case 'persisted':
            break;
    }
    if (known.unconfirmed > 0) {
        return persisting(known.unconfirmed);
    }
    if (failedCount > 0) {
        const [first] = failed;
        const damaged = failed.filter(({ why }) => why === 'damaged').length;
        const what = damaged === 0 ? 'not stored' : damaged === failed.length ? 'not restored' : 'not stored or not restored';
        return {
            text: `${many(failedCount, 'file', 'files')} ${what}`,
            icon: 'warning',
            mood: 'attention',
            detail: failedCount === 1 && first
                ? `${first.path} ${failureOf(first.why)}`
                : 'Everything else in this workspace is in the store. A click names them.'
        };
    }
    const trouble = troubleOf(report.status);
    if (trouble !== undefined) {
        return { text: firstSentence(trouble), icon: 'warning', mood: 'attention', detail: trouble };
    }
    if (quiet > 0) {
        return resting(quiet);
    }
    return {
        text: 'All changes persisted',
        icon: 'check',
        mood: 'good',
        detail: 'Everything in this workspace is in the store.'
    };
}

/** What nothing saves by itself, if there is any. */
function unsaved({ typed, untitled, kept }: Knowledge): Words | undefined {
    const files = typed + kept.length;
    if (files + untitled === 0) {
        return undefined;
    }
    const details = [
        typed > 0 ? 'Save it to persist it.' : '',
        untitled > 0 ? 'Save it with a name to persist it.' : '',
        kept.length > 0 ? 'What was typed before this page started again waits for its file to open. A click leads to it.' : ''
    ];
    return {
        text: files > 0 ? `${many(files + untitled, 'file', 'files')} not saved yet` : `${many(untitled, 'editor', 'editors')} not saved to a file yet`,
        icon: 'circle-filled',
        mood: 'attention',
        detail: details.filter(detail => detail !== '').join(' ')
    };
}

/** Whoever leaves the page loses it, so it is said beside all but what is worse. */
function withUnsaved(said: Words, known: Knowledge): Words {
    const own = unsaved(known);
    if (!own || said.mood === 'bad') {
        return said;
    }
    if (said.mood === 'good') {
        return own;
    }
    const count = (known.typed + known.kept.length + known.untitled).toLocaleString('en');
    return { ...said, mood: 'attention', text: `${said.text.replace(/…$/, '')}, ${count} not saved`, detail: `${said.detail} ${own.detail}` };
}

export function wordsFor(known: Knowledge): Words {
    if (known.link === 'lost') {
        return lost('The IDE cannot reach its workspace. It keeps trying; what you typed is still in the editor.');
    }
    if (known.link === 'connecting' || !known.report) {
        return { text: 'Connecting…', icon: 'loading~spin', mood: 'busy', detail: 'Waiting for the workspace.' };
    }
    return withUnsaved(notSaved(known.notSaved) ?? whenReported(known.report, known), known);
}
