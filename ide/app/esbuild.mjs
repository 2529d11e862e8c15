/*
 * The build of the application. `theia build` generates the two option files imported here and runs this
 * file (it would overwrite it if the word gen-esbuild were missing).
 *
 * Two things differ from a stock Theia:
 *  1. drivelist is replaced by an empty list: it needs a compiler, and a sandbox has no drives to show.
 *  2. Extensions that run in the browser find their files below the page's own path, not below the origin's
 *     root. Stock Theia forgets the path, so that the language servers of JSON, CSS, HTML and TypeScript
 *     answer 404 when the IDE is served below /ide/{session}/.
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

const belowThePagesPath = {
    name: 'coditect-below-the-pages-path',
    setup(build) {
        build.onLoad({ filter: /plugin-ext[\\/]lib[\\/]plugin[\\/]plugin-context\.js$/ }, async ({ path }) => {
            const stock = await readFile(path, 'utf8');
            const fixed = stock.replace("origin + '/' + ", "new URL('.', self.location.href).href + ");
            return fixed === stock
                ? { errors: [{ text: `${path}: the line to fix is gone` }] }
                : { contents: fixed, loader: 'js' };
        });
    }
};

nodeOptions.plugins.unshift(withoutDrivelist);
browserOptions.plugins.unshift(belowThePagesPath);

await esbuild.build(browserOptions);
await esbuild.build(nodeOptions);
