/*
 * Rebuilds VS Code's builtin extensions as ordinary extension folders: node make.mjs OUTDIR, in a directory
 * that holds this project's node_modules. The npm packages @codingame/monaco-vscode-*-default-extension are
 * those extensions with their files flattened into resources/; their index.js holds the map back.
 */
import { cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import esbuild from 'esbuild';

const modules = resolve('node_modules');
const here = resolve('.');

const readJson = async path => JSON.parse(await readFile(path, 'utf8'));
const writeJson = (path, value) => writeFile(path, JSON.stringify(value));

/** Theia's worker hands an extension a global `exports` and nothing else; VS Code's web builds assign `module.exports`. */
const forTheiasWorker = code =>
    '(function(){const theirs=self.exports,module={exports:{}};let exports=module.exports;' +
    code.replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n') +
    '\n;theirs.activate=module.exports.activate;theirs.deactivate=module.exports.deactivate;})();\n';

async function rebuild(name, out) {
    const from = join(modules, '@codingame', name);
    const to = join(out, `vscode.${/^monaco-vscode-(.*)-default-extension$/.exec(name)[1]}`);
    const map = await readFile(join(from, 'index.js'), 'utf8');
    for (const [, path, source] of map.matchAll(/registerFileUrl\('([^']+)', new URL\('([^']+)'/g)) {
        if (!path.endsWith('.map')) {
            await mkdir(dirname(join(to, path)), { recursive: true });
            await cp(join(from, source), join(to, path));
        }
    }
    const manifest = await readJson(join(to, 'package.json'));
    delete manifest.main; // the packages hold the web build only
    manifest.engines = { vscode: '^1.90.0' };
    if (manifest.contributes?.keybindings) {
        // Theia refuses them, with a warning each, on every other system than theirs.
        manifest.contributes.keybindings = manifest.contributes.keybindings.filter(({ key }) => !/\bcmd\b/.test(key ?? ''));
    }
    // Theia takes any priority that it does not know for "default", and Markdown would open as its preview.
    for (const editor of manifest.contributes?.customEditors ?? []) {
        editor.priority = 'option';
    }
    if (manifest.browser) {
        const script = join(to, manifest.browser).replace(/\.js$/, '');
        const code = await readFile(`${script}.js`, 'utf8').catch(() => readFile(script, 'utf8'));
        await writeFile(`${script}.js`, forTheiasWorker(code));
        manifest.browser = `${manifest.browser.replace(/\.js$/, '')}.js`;
    }
    await writeJson(join(to, 'package.json'), manifest);
}

async function rebuildGit(out) {
    const to = join(out, 'vscode.git');
    await cp(join(modules, '@theia/vscode-builtin-git'), to, { recursive: true });
    const manifest = await readJson(join(to, 'package.json'));
    await writeJson(join(to, 'package.json'), { ...manifest, name: 'git', version: '1.0.0' });
}

async function buildPython(out) {
    const to = join(out, 'coditect.python');
    await cp(join(here, 'python/package.json'), join(to, 'package.json'));
    await cp(join(modules, 'pyright'), join(to, 'pyright'), { recursive: true });
    await esbuild.build({
        entryPoints: [join(here, 'python/extension.js')],
        outfile: join(to, 'extension.js'),
        bundle: true,
        platform: 'node',
        external: ['vscode'],
        minify: true
    });
}

const out = resolve(process.argv[2]);
const builtins = (await readdir(join(modules, '@codingame'))).filter(name => name.endsWith('-default-extension'));
for (const name of builtins) {
    await rebuild(name, out);
}
await rebuildGit(out);
await buildPython(out);
console.log(`${builtins.length + 2} extensions`);
