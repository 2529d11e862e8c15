/*
 * Loaded into the backend before its own code: holds and injects what others do to a file at the moments that matter. What is to
 * happen lies in the folder that CODITECT_TEST_DISK names, and is taken once; `path` says to which file.
 *   read   while it is there, the file is not opened to be read; `reading` says that one waits
 *   save   while it is there, no save takes its place; `saving` says that one waits
 *   before takes the file's place when a save of it was looked at in the page, before it is written
 *   after  takes the file's place when a save has taken it, before anybody can ask whose it is
 *   saves  has a line for each save
 */
const fs = require('node:fs');
const promises = require('node:fs/promises');
const { join } = require('node:path');

const folder = process.env.CODITECT_TEST_DISK;
const at = name => join(folder, name);
const target = () => fs.existsSync(at('path')) && fs.readFileSync(at('path'), 'utf8');

/** Calls `then` once nothing with this name is there. */
function held(name, says, then) {
    if (!fs.existsSync(at(name))) {
        return then();
    }
    fs.writeFileSync(at(says), '');
    setTimeout(held, 10, name, says, then);
}

function take(name, path) {
    if (fs.existsSync(at(name))) {
        fs.renameSync(at(name), path);
    }
}

if (folder) {
    const { open } = fs;
    fs.open = (path, ...rest) => (path === target() ? held('read', 'reading', () => open(path, ...rest)) : open(path, ...rest));

    const { open: openDraft, rename } = promises;
    promises.open = (path, flags, ...rest) => {
        if (flags === 'wx' && target()) {
            take('before', target());
        }
        return openDraft(path, flags, ...rest);
    };
    promises.rename = async (from, to) => {
        if (to !== target()) {
            return rename(from, to);
        }
        await new Promise(resolve => { held('save', 'saving', resolve); });
        await rename(from, to);
        fs.appendFileSync(at('saves'), `${to}\n`);
        take('after', to);
    };
}
