/*
 * The build of the application. `theia build` generates the two option files imported here and runs this
 * file (it would overwrite it if the word gen-esbuild were missing).
 *
 * Five things differ from a stock Theia:
 *  1. drivelist is replaced by an empty list: it needs a compiler, and a sandbox has no drives to show.
 *  2. Extensions that run in the browser find their files below the page's own path, not below the origin's
 *     root. Stock Theia forgets the path, so that the language servers of JSON, CSS, HTML and TypeScript
 *     answer 404 when the IDE is served below /ide/{session}/.
 *  3. What extensions are told of the editors' tabs counts right. Stock Theia forgets that a tab opened or moved before
 *     others pushes those along, and then closes the wrong one ("INVALID tab" in the console ever after).
 *  4. The script of the extensions' worker is asked for again when it was cut on its way. Stock Theia waits for that worker for
 *     ever, starts no other extension, and then no file is saved.
 *  5. A message to an extension's process may be cut anywhere. Stock Theia loses count when that is within its first bytes.
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
const inBrowser = [
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
    ],
    [
        /hosted[\\/]browser[\\/]plugin-worker\.js$/,
        "this.worker = new Worker(new URL('./plugin-worker.js', location.href));",
        'const said = [];\n        let heard = false;\n        let tries = 0;'
    ],
    [
        /hosted[\\/]browser[\\/]plugin-worker\.js$/,
        'this.worker.postMessage(buffer);',
        'if (!heard) said.push(buffer);\n                this.worker.postMessage(buffer);'
    ],
    [
        /hosted[\\/]browser[\\/]plugin-worker\.js$/,
        `        this.worker.onmessage = buffer => channel.onMessageEmitter.fire(() => {
            return new uint8_array_message_buffer_1.Uint8ArrayReadBuffer(buffer.data);
        });
        this.worker.onerror = e => channel.onErrorEmitter.fire(e);
`,
        `        const start = () => {
            this.worker = new Worker(new URL('./plugin-worker.js', location.href));
            this.worker.onmessage = buffer => {
                heard = true;
                said.length = 0;
                channel.onMessageEmitter.fire(() => new uint8_array_message_buffer_1.Uint8ArrayReadBuffer(buffer.data));
            };
            this.worker.onerror = e => heard || ++tries > 60 ? channel.onErrorEmitter.fire(e) : setTimeout(start, 1000);
            said.forEach(message => this.worker.postMessage(message));
        };
        start();
`
    ]
];

const inBackend = [
    [
        /messaging[\\/]binary-message-pipe\.js$/,
        'handleNewMessage(chunk) {\n',
        `handleNewMessage(chunk) {
        if (this.cachedMessageData.partialMessageStart) {
            chunk = Buffer.concat([this.cachedMessageData.partialMessageStart, chunk]);
            this.cachedMessageData.partialMessageStart = undefined;
        }
`
    ]
];

const corrected = corrections => ({
    name: 'coditect-corrected',
    setup(build) {
        const files = new RegExp(corrections.map(([file]) => file.source).join('|'));
        build.onLoad({ filter: files }, async ({ path }) => {
            const contents = await readFile(path, 'utf8');
            const wanted = corrections.filter(([file]) => file.test(path));
            const gone = wanted.filter(([, stock]) => contents.split(stock).length !== 2);
            return gone.length > 0
                ? { errors: gone.map(([, stock]) => ({ text: `${path}: the line to correct is gone: ${stock}` })) }
                : { contents: wanted.reduce((text, [, stock, ours]) => text.replace(stock, ours), contents), loader: 'js' };
        });
    }
});

nodeOptions.plugins.unshift(withoutDrivelist, corrected(inBackend));
browserOptions.plugins.unshift(corrected(inBrowser));

await esbuild.build(browserOptions);
await esbuild.build(nodeOptions);
