/* Starts Pyright when the first Python file is opened. It lives as long as the plugin host. */
const { join } = require('node:path');
const { LanguageClient, TransportKind } = require('vscode-languageclient/node');

let client;

exports.activate = async context => {
    const server = { module: join(context.extensionPath, 'pyright', 'langserver.index.js'), transport: TransportKind.ipc };
    client = new LanguageClient('coditect-python', 'Pyright', { run: server, debug: server }, {
        documentSelector: [{ language: 'python' }],
        initializationOptions: {}
    });
    await client.start();
};

exports.deactivate = () => client?.stop();
