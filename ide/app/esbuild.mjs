/*
 * The build of the application. `theia build` generates the two option files imported here and runs this
 * file (it would overwrite it if the word gen-esbuild were missing).
 *
 * Three things differ from a stock Theia:
 *  1. drivelist is replaced by an empty list: it needs a compiler, and a sandbox has no drives to show.
 *  2. Extensions that run in the browser find their files below the page's own path, not below the origin's
 *     root. Stock Theia forgets the path, so that the language servers of JSON, CSS, HTML and TypeScript
 *     answer 404 when the IDE is served below /ide/{session}/.
 *  3. What extensions are told of the editors' tabs counts right. Stock Theia forgets that a tab opened or moved before
 *     others pushes those along, and then closes the wrong one ("INVALID tab" in the console ever after).
 */
import { readFile } from 'node:fs/promises';
import esbuild from 'esbuild';
import { browserOptions } from './gen-esbuild.browser.mjs';
import { nodeOptions } from './gen-esbuild.node.mjs';

const withoutDrivelist = {
    name: 'coditect-without-drivelist',
    setup(build) {
        build.onResolve({ filter: /^drivelist$/ }, () => ({ path: 'drivelist', namespace: 'coditect' }));
        build.onLoad({ filter: /^drivelist$/, namespace: 'coditect' }, () => ({
            contents: 'exports.list = async () => [];',
            loader: 'js'
        }));
    }
};

/** [file, what stands there, what is to stand there] */
const corrections = [
    [/plugin-ext[\\/]lib[\\/]plugin[\\/]plugin-context\.js$/, "origin + '/' + ", "new URL('.', self.location.href).href + "],
    [
        /plugin-ext[\\/]lib[\\/]main[\\/]browser[\\/]tabs[\\/]tabs-main\.js$/,
        'group.tabs.splice(args.index, 0, tabDto);\n',
        'group.tabs.splice(args.index, 0, tabDto);\n        this.updateTabIndices({ group }, args.index);\n'
    ],
    [
        /plugin-ext[\\/]lib[\\/]main[\\/]browser[\\/]tabs[\\/]tabs-main\.js$/,
        'this.updateTabIndices(tabInfo, args.fromIndex);',
        'tabInfo.tab = tabDto;\n        this.updateTabIndices(tabInfo, Math.min(args.fromIndex, args.toIndex));'
    ]
];

const corrected = {
    name: 'coditect-corrected',
    setup(build) {
        build.onLoad({ filter: /plugin-ext[\\/]lib[\\/].*(plugin-context|tabs-main)\.js$/ }, async ({ path }) => {
            const contents = await readFile(path, 'utf8');
            const wanted = corrections.filter(([file]) => file.test(path));
            const gone = wanted.filter(([, stock]) => contents.split(stock).length !== 2);
            return gone.length > 0
                ? { errors: gone.map(([, stock]) => ({ text: `${path}: the line to correct is gone: ${stock}` })) }
                : { contents: wanted.reduce((text, [, stock, ours]) => text.replace(stock, ours), contents), loader: 'js' };
        });
    }
};

nodeOptions.plugins.unshift(withoutDrivelist);
browserOptions.plugins.unshift(corrected);

await esbuild.build(browserOptions);
await esbuild.build(nodeOptions);
