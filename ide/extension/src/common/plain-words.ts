/*
 * What machines say when something fails, in words that say what to do. Only what is recognised is changed. Pure.
 */

interface Rule {
    readonly when: RegExp;
    /** `what`: the file that the text names, or "it". */
    readonly say: (what: string) => string;
}

export const OUT_OF_REACH = 'The workspace did not answer. The status bar says when it is there again; what you typed is still in the editor.';

const RULES: readonly Rule[] = [
    {
        when: /ENOSPC|EDQUOT|no space left on device|disk quota exceeded/i,
        say: what => `There is no room left on this workspace’s disk, so ${what} was not saved. Delete what you do not need and save again.`
    },
    { when: /is still being restored/, say: what => `${what} is still on its way from the store. Open it again in a moment: the status bar says how much is left.` },
    { when: /EROFS|read-only file system/i, say: what => `${what} lies where a session cannot write. Your files belong into /workspace or /home/dev.` },
    { when: /EACCES|EPERM|permission denied|NoPermissions/i, say: what => `The permissions of ${what} do not allow this. “chmod” in a terminal changes them.` },
    { when: /ENAMETOOLONG|name too long/i, say: what => `The name of ${what} is too long.` },
    { when: /EMFILE|ENFILE|too many open files/i, say: () => 'Too many files are open in this workspace. End a program and try again.' },
    { when: /ENOMEM|cannot allocate memory/i, say: () => 'The workspace has no memory left. End a program and try again.' },
    { when: /\b(EAGAIN|forkpty|fork\(2\))|resource temporarily unavailable/i, say: () => 'The workspace runs as many programs as it may. End one and try again.' },
    { when: /connection got disposed|ECONNREFUSED|ECONNRESET|socket hang up|connection (was )?closed|transport (close|error)/i, say: () => OUT_OF_REACH },
    { when: /^(GET|POST) \/[a-z-]+: 5\d\d|\bdoor\.sock\b/, say: () => OUT_OF_REACH }
];

/** The last part of a path that the text names in quotes or after the cause. */
function namedIn(text: string): string | undefined {
    const [, path] = /['"“‘](?:file:\/\/)?(\/[^'"”’]+)['"”’]/.exec(text) ?? [];
    return path?.split('/').at(-1);
}

/** `undefined` for what is not recognised. */
export function inPlainWords(text: string): string | undefined {
    const rule = RULES.find(({ when }) => when.test(text));
    const said = rule?.say(namedIn(text) ?? 'it');
    return said && said.charAt(0).toUpperCase() + said.slice(1);
}
