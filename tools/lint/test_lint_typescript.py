#!/usr/bin/python3
"""The linter's own tests, TypeScript's part."""

import unittest

import rule_tsgraph
import rule_typescript
from test_lint import RuleTest


class TypeScript(RuleTest):
    def test_any(self):
        self.assert_fires(rule_typescript, {"a.ts": "const a: any = b as any;"}, "any", "any")
        self.assert_silent(rule_typescript, {"a.ts": "// any: any\nconst s = 'x: any'; any(1);"})

    def test_null_of_ours(self):
        for text in ("let a = null;", "return null;", "f(a, null);", "g((null));", "x => null;",
                     "a ?? null;", "a || null;", "const b = { c: null };", "useState<A>(null);"):
            self.assert_fires(rule_typescript, {"a.tsx": text}, "null")

    def test_null_of_the_platform(self):
        self.assert_silent(rule_typescript, {"b.ts": "nullable; '/* null'; `null` // null",
                                             "c.tsx": "const a = useRef<HTMLElement>(null);",
                                             "d.ts": "function f(a: Element | null) {\n"
                                             "if (a === null || null !== g()) h(a != null); }",
                                             "e.tsx": "<Progress.Root value={a ? 1 : null} />",
                                             "web/test/e.ts": "f(null);"})

    def test_barrel(self):
        self.assert_fires(rule_typescript, {"x/index.ts": "export * from './a'\n"}, "barrel")
        self.assert_fires(rule_typescript, {"x/index.ts": "export { a } from './a'\n"}, "barrel")
        self.assert_silent(rule_typescript, {"x/index.ts": "export const a = 1\n"})

    def test_strict(self):
        strict = '{"compilerOptions": {"strict": true}}'
        self.assert_silent(rule_typescript, {"tsconfig.json": strict, "w/tsconfig.app.json":
                                             '{"extends": "../tsconfig.json"}'})
        self.assert_fires(rule_typescript, {"tsconfig.json": '{"compilerOptions": {}}'}, "strict")
        self.assert_fires(rule_typescript, {"tsconfig.json": strict.replace("true", "false")},
                          "strict")


class TypeScriptGraph(RuleTest):
    def project(self, **files):
        named = {f"web/src/{name}.ts": text for name, text in files.items()}
        return {"web/package.json": '{"main": "src/main.ts"}', **named}

    def test_used_exports_and_no_cycle(self):
        self.assert_silent(rule_tsgraph, self.project(
            main="import { a, type B } from './lib';\nimport C from './view';\nexport const x = 1",
            lib="export const a = 1;\nexport const STATES = ['x'] as const;\n"
                "export interface B { c: (typeof STATES)[number] }\n",
            view="export default function View() {}\n"))

    def test_dead_export(self):
        self.assert_fires(rule_tsgraph, self.project(
            main="import { a } from './lib';\n", lib="export const a = 1;\nexport const b = 2;\n"),
            "export b is used by nobody")

    def test_export_for_a_test_in_javascript(self):
        self.assert_silent(rule_tsgraph, {
            **self.project(lib="export const limit = 1;\n"),
            "web/test/a.test.mjs": "const { limit } = await compiled('lib');\n"})

    def test_commented_import_is_no_use(self):
        self.assert_fires(rule_tsgraph, self.project(
            main="// import { a } from './lib';\n", lib="export const a = 1;\n"), "export a")

    def test_whole_module_and_dynamic_import_use_all(self):
        self.assert_silent(rule_tsgraph, self.project(
            main="import * as lib from './lib';\nconst v = () => import('./view');\n",
            lib="export const a = 1;\n", view="export const View = 1;\n"))

    def test_cycle(self):
        self.assert_fires(rule_tsgraph, self.project(
            main="import { a } from './a';\n",
            a="import { b } from './b';\nexport const a = 1;\n",
            b="import { a } from './a.js';\nexport const b = 1;\n"), "cycle")

    def test_types_make_no_cycle(self):
        self.assert_silent(rule_tsgraph, self.project(
            main="import { a } from './a';\n",
            a="import { b } from './b';\nexport const a = 1;\n",
            b="import type { a } from './a';\nexport const b = 1;\n"))


if __name__ == "__main__":
    unittest.main()
