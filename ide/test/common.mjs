/* The modules of src/common, which depend on nothing, compiled as they are now. */
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { IDE, fromModules } from './harness.mjs';

const scratch = mkdtempSync(join(tmpdir(), 'coditect-ide-common-'));
after(() => rmSync(scratch, { recursive: true }));

function compile() {
    const typescript = fromModules('typescript');
    const from = join(IDE, 'extension/src/common');
    for (const name of readdirSync(from)) {
        const { outputText } = typescript.transpileModule(readFileSync(join(from, name), 'utf8'), {
            compilerOptions: { module: typescript.ModuleKind.CommonJS, target: typescript.ScriptTarget.ES2022 }
        });
        writeFileSync(join(scratch, name.replace(/\.ts$/, '.js')), outputText);
    }
    const load = createRequire(join(scratch, 'x.js'));
    return { ...load('./activity'), ...load('./door'), ...load('./palette'), ...load('./not-kept'), ...load('./news'), ...load('./past'), ...load('./desk'), ...load('./plain-words'), ...load('./persistence-text'), ...load('./frame-messages'), ...load('./editor-settings'), ...load('./reliable-stream') };
}

export const common = compile();
