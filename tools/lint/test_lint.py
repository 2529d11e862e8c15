#!/usr/bin/python3
"""The linter's own tests: every rule is shown to fire and not to fire."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

import cfunctions
import ctokens
import rule_banned
import rule_commits
import rule_contract
import rule_externs
import rule_forbidden
import rule_format
import rule_headers
import rule_includes
import rule_readme
import rule_replies
import rule_shell
import rule_size
import rule_words
import tree as trees

HERE = pathlib.Path(__file__).resolve().parent


class RuleTest(unittest.TestCase):
    """Builds a small tree and asks one rule about it."""

    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)

    def tree(self, files, **options):
        for path, text in files.items():
            target = self.root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        made = trees.Tree(self.root, list(files), **options)
        made.__dict__["all_files"] = sorted(files)
        return made

    def found(self, rule, files, **options):
        return [f.message for f in rule.check(self.tree(files, **options))]

    def assert_fires(self, rule, files, *parts, **options):
        messages = self.found(rule, files, **options)
        self.assertEqual(len(messages), len(parts), messages)
        for message, part in zip(messages, parts):
            self.assertIn(part, message)

    def assert_silent(self, rule, files, **options):
        self.assertEqual(self.found(rule, files, **options), [])


class Tokens(unittest.TestCase):
    def texts(self, source, kind):
        return [t.text for t in ctokens.tokenize(source) if t.kind == kind]

    def test_comment_marks_in_strings(self):
        self.assertEqual(self.texts('char *s = "/* no */"; // yes', "comment"), ["// yes"])

    def test_strings_with_quotes_and_escapes(self):
        self.assertEqual(self.texts(r'f("a\"b", L"c", "\\");', "string"),
                         [r'"a\"b"', 'L"c"', r'"\\"'])

    def test_quote_character_opens_no_string(self):
        self.assertEqual(self.texts("c = '\"'; d = '\\''; free(p);", "id"), ["c", "d", "free", "p"])

    def test_directive_with_continuation_is_one_token(self):
        tokens = ctokens.tokenize("#define A(x) \\\n    free(x)\nint a;")
        self.assertEqual(tokens[0].kind, "directive")
        self.assertEqual([(t.text, t.line) for t in tokens[1:]],
                         [("int", 3), ("a", 3), (";", 3)])

    def test_directive_only_at_the_start_of_a_line(self):
        self.assertEqual(self.texts("  # include <a.h>\nx = a # b;", "directive"),
                         ["# include <a.h>"])

    def test_comment_inside_directive_spans_lines(self):
        tokens = ctokens.tokenize("#define A 1 /* two\nlines */ + 2\nint b;")
        self.assertEqual([t.text for t in tokens[1:]], ["int", "b", ";"])

    def test_continued_line_comment(self):
        self.assertEqual(self.texts("// a \\\n free(p);\nint x;", "id"), ["int", "x"])

    def test_unterminated_comment_and_string_end(self):
        self.assertEqual(self.texts("int a; /* open", "comment"), ["/* open"])
        self.assertEqual(self.texts('"open\nint b;', "id"), ["int", "b"])

    def test_numbers(self):
        self.assertEqual(self.texts("1e-5 0x1fULL .5f 1'000", "number"),
                         ["1e-5", "0x1fULL", ".5f", "1"])


class Functions(unittest.TestCase):
    def one(self, source):
        found = cfunctions.functions(ctokens.tokenize(source))
        self.assertEqual(len(found), 1, found)
        return found[0]

    def nesting(self, body):
        return self.one("void f(void)\n{\n" + body + "\n}\n").nesting

    def test_name_and_lines(self):
        f = self.one("static int\nfoo(int a)\n{\n    return a;\n}\n")
        self.assertEqual((f.name, f.line, f.lines, f.parameters), ("foo", 2, 5, 1))

    def test_attributes_and_macros_around_the_head(self):
        f = self.one('BASE_MUST_USE static int __attribute__((format(printf, 1, 2))) '
                     'foo(const char *f, ...) __attribute__((cold)) {}')
        self.assertEqual((f.name, f.parameters), ("foo", 1))
        self.assertEqual(self.one("int bar(void) BASE_MUST_USE {}").name, "bar")

    def test_initialisers_and_structs_are_no_functions(self):
        source = ("struct a { int (*f)(int); };\n"
                  "static const struct a table[] = { { .f = one }, [2] = { two(3) } };\n"
                  "struct a b = (struct a){ .f = x(1) };\nenum { A, B };\nint f(void) { return 1; }")
        self.assertEqual(self.one(source).name, "f")

    def test_two_functions_behind_each_other(self):
        found = cfunctions.functions(ctokens.tokenize("int a(void) { }\nint b(void) { }"))
        self.assertEqual([f.name for f in found], ["a", "b"])

    def test_parameters_with_function_pointers_and_arrays(self):
        f = self.one("int f(int (*cb)(int, int), char t[static 2], struct s a, void *b, int c) {}")
        self.assertEqual(f.parameters, 5)

    def test_complexity_counts_decisions_not_words_in_strings(self):
        f = self.one('int f(int a) { if (a && a > 1 || a < 3) return a ? 1 : 2; /* if if */\n'
                     'for (;;) while (a) switch (a) { case 1: case 2: default: g("if (a)"); } }')
        self.assertEqual(f.complexity, 1 + 1 + 2 + 1 + 1 + 1 + 2)

    def test_else_if_is_no_deeper(self):
        self.assertEqual(self.nesting("if (a) { } else if (b) { x; } else if (c) y; else { z; }"), 1)

    def test_if_in_else_block_is_deeper(self):
        self.assertEqual(self.nesting("if (a) { } else { if (b) { } }"), 2)

    def test_loops_without_braces(self):
        self.assertEqual(self.nesting("for (;;) while (a) if (b) do c(); while (d); e();"), 4)

    def test_switch_labels_count_nothing(self):
        self.assertEqual(self.nesting("switch (a) { case A: { x; break; } default: if (b) y; }"), 2)

    def test_bare_blocks_and_initialisers_count_nothing(self):
        self.assertEqual(self.nesting("{ { int a[] = { 1, 2 }; } } g((struct s){ .a = 1 });"), 0)

    def test_macro_loops_count(self):
        self.assertEqual(self.nesting("LIST_EACH(a, b) { if (c) { d; } }"), 2)

    def test_statements_behind_a_block_are_seen(self):
        self.assertEqual(self.nesting("if (a) { } x = 1; while (b) { if (c) { } }"), 2)


class Replies(RuleTest):
    def test_fires_where_the_api_answers(self):
        text = 'void f(void) { json_object(w); json_member_string(w, "id", id); json_name(w, "x"); }'
        for folder in ("api", "sessions", "realtime", "auth"):
            self.assert_fires(rule_replies, {f"src/{folder}/a.c": text}, "json_object", "json_member_string", "json_name")

    def test_silent_elsewhere_and_for_what_is_generated(self):
        text = 'void f(void) { json_member_string(w, "id", id); }'
        self.assert_silent(rule_replies, {"src/base/failure.c": text, "src/codi2/a.c": text, "src/auth/token.c": text,
                                          "src/api/a.c": "void f(void) { reply_a_id(&a, id); json_array(w); json_raw(w, t); }"})


class Banned(RuleTest):
    def test_fires_outside_base(self):
        self.assert_fires(rule_banned, {"src/a/a.c": "void f(void) { free(p); x = malloc; }"},
                          "free", "malloc")

    def test_memory_is_for_base(self):
        self.assert_silent(rule_banned, {"src/base/mem.c": "void f(void) { free(malloc(1)); }"})

    def test_strings_functions_are_banned_in_base_too(self):
        self.assert_fires(rule_banned, {"src/base/a.c": "void f(void) { strcpy(a, b); }"}, "strcpy")

    def test_silent_in_comments_strings_members_and_longer_names(self):
        self.assert_silent(rule_banned, {"src/a/a.c": '/* free(p) */ void f(void) { g("free(p)");\n'
                                         "x->free(y); z.time(1); mem_free(p); int free_slots; g(time, random); }\n"
                                         "struct o { void (*free)(void *); };"})

    def test_goto_and_struct_typedef(self):
        self.assert_fires(rule_banned, {"src/a/a.c": "typedef struct x y; void f(void) { goto z; }"},
                          "typedef", "goto")

    def test_function_typedef_is_fine(self):
        self.assert_silent(rule_banned, {"src/a/a.h": "typedef int a_fn(struct a *a);"})

    def test_descriptors_close_on_exec(self):
        self.assert_fires(rule_banned, {"src/a/a.c": "void f(void) { open(p, O_RDONLY); pipe(q); }"},
                          "open without O_CLOEXEC", "pipe: use pipe2")
        self.assert_silent(rule_banned, {"src/a/b.c": "void f(void) { open(p, O_RDONLY | "
                                         "O_CLOEXEC); d->open(p); }"})

    def test_sleep_in_tests(self):
        self.assert_fires(rule_banned, {"tests/unit/a/a.c": "void f(void) { usleep(10); }"},
                          "usleep")

    def test_locks_and_clocks_are_for_base(self):
        source = "void f(void) { pthread_mutex_lock(&m); clock_gettime(0, &t); }"
        self.assert_fires(rule_banned, {"src/a/a.c": source}, "base/lock.h", "base/time.h")
        self.assert_silent(rule_banned, {"src/base/lock.c": source})
        self.assert_silent(rule_banned, {"tests/a.c": "void f(void) { "
                                         "clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t); }"})


def function_of(lines, head="int f(int a)"):
    return head + "\n{\n" + "    a++;\n" * (lines - 3) + "}\n"


class Size(RuleTest):
    def test_function_of_60_lines_is_fine_61_not(self):
        self.assert_silent(rule_size, {"src/a/a.c": function_of(60)})
        self.assert_fires(rule_size, {"src/a/a.c": function_of(61)}, "lines 61, at most 60")

    def test_exception_excuses_below_the_hard_limit_only(self):
        exception = "src/a/a.c:f lines  the table reads best in one piece\n"
        files = {rule_size.EXCEPTIONS: exception, "src/a/a.c": function_of(100)}
        self.assert_silent(rule_size, files)
        files["src/a/a.c"] = function_of(101)
        self.assert_fires(rule_size, files, "lines 101, never over 100", "not needed")

    def test_unused_exception_and_missing_reason(self):
        files = {rule_size.EXCEPTIONS: "src/a/a.c:f lines  why\nsrc/a/a.c:g lines\n",
                 "src/a/a.c": function_of(10)}
        self.assert_fires(rule_size, files, "MEASURE", "remove it")

    def test_parameters(self):
        self.assert_silent(rule_size, {"src/a/a.c": "int f(int a, int b, int c, int d, ...) {}\n"})
        self.assert_fires(rule_size, {"src/a/a.c": "int f(int a, int b, int c, int d, int e) {}\n"},
                          "parameters 5")

    def test_complexity(self):
        body = "if (a) { b(); }\n"
        self.assert_silent(rule_size, {"src/a/a.c": "int f(int a)\n{\n" + body * 14 + "}\n"})
        self.assert_fires(rule_size, {"src/a/a.c": "int f(int a)\n{\n" + body * 15 + "}\n"},
                          "complexity 16")

    def test_nesting(self):
        self.assert_silent(rule_size, {"src/a/a.c": "int f(int a) { if (a) if (a) if (a) b(); }\n"})
        self.assert_fires(rule_size,
                          {"src/a/a.c": "int f(int a) { if (a) if (a) if (a) if (a) b(); }\n"},
                          "nesting 4")

    def test_file(self):
        self.assert_silent(rule_size, {"web/src/a.ts": "x;\n" * 500})
        self.assert_fires(rule_size, {"web/src/a.ts": "x;\n" * 501}, "lines 501")


TABLE = "base:\nnet: base\ndata: base\nfiles: base data\napi: base data files\nmain: *\n"
DOCUMENT = """## Who may include whom
| folder | may include | folder | may include |
|---|---|---|---|
| base | – | files | base data (files: data) |
| net, data | base | api | base and all domain folders; never net |
| | | main | everything |

## Next
"""


class Includes(RuleTest):
    def include(self, path, line, **more):
        files = {rule_includes.TABLE: TABLE, path: line + "\n", **more}
        return files

    def test_allowed_arrows(self):
        self.assert_silent(rule_includes, self.include("src/files/files.c",
                           '#include "data/data.h"\n#include "files/files_int.h"\n#include <a.h>'))

    def test_everything(self):
        self.assert_silent(rule_includes, self.include("src/main/main.c", '#include "net/net.h"'))

    def test_arrow_not_in_table(self):
        self.assert_fires(rule_includes, self.include("src/data/a.c", '#include "files/files.h"'),
                          "data may not include files")

    def test_include_in_comment_is_none(self):
        self.assert_silent(rule_includes,
                           self.include("src/data/a.c", '/*\n#include "files/files.h"\n*/'))

    def test_internal_header_of_another_folder(self):
        self.assert_fires(rule_includes, self.include("src/files/a.c", '#include "data/data_int.h"'),
                          "never leaves")

    def test_relative_include(self):
        self.assert_fires(rule_includes, self.include("src/files/a.c", '#include "../data/data.h"'),
                          "folder/file.h")

    def test_generated_header(self):
        self.assert_silent(rule_includes, self.include("src/base/a.h", '#include "errors.gen.h"'))

    def test_unknown_folder(self):
        self.assert_fires(rule_includes, self.include("src/new/a.c", '#include "base/a.h"'),
                          "not in")

    def test_cycle(self):
        files = {rule_includes.TABLE: "a: b\nb: c\nc: a\n", "src/a/a.c": '#include "b/b.h"\n',
                 "src/b/b.c": '#include "c/c.h"\n', "src/c/c.c": '#include "a/a.h"\n'}
        self.assert_fires(rule_includes, files, "cycle: a → b → c → a")

    def test_document_agrees(self):
        self.assert_silent(rule_includes, {rule_includes.TABLE: TABLE, "ARCHITECTURE.md": DOCUMENT})

    def test_document_differs(self):
        self.assert_fires(rule_includes, {rule_includes.TABLE: TABLE.replace("net: base", "net:"),
                                          "ARCHITECTURE.md": DOCUMENT}, "net")

    def test_document_without_table(self):
        self.assert_fires(rule_includes, {rule_includes.TABLE: TABLE, "ARCHITECTURE.md": "# A\n"},
                          "no table")

    def test_the_projects_own_tables_agree(self):
        root = HERE.parent.parent
        tree = trees.Tree(root, [])
        table = rule_includes.read_table(tree.text(rule_includes.TABLE))
        self.assertEqual(list(rule_includes.check_document(tree, table)), [])


class Words(RuleTest):
    def test_open_ends(self):
        self.assert_fires(rule_words, {"src/a/a.c": "/* TODO: later */\n"}, "TODO")
        self.assert_silent(rule_words, {"src/a/a.c": "/* the todo list */ int MASTODON;\n"})

    def test_conditions(self):
        self.assert_fires(rule_words, {"src/a/a.c": "# ifdef A\n#endif\n"}, "condition")
        self.assert_silent(rule_words, {"src/a/a.h": "#ifndef A_H\n#define A_H\n#endif\n",
                                        "src/base/b.c": "#if X\n#endif\n",
                                        "src/a/a.c": "/*\n#ifdef A\n*/\n"})


class Forbidden(RuleTest):
    WORDS = (HERE / "forbidden.txt").read_text()

    def found_in(self, text, path="docs/a.md"):
        return self.found(rule_forbidden, {rule_forbidden.WORDS: self.WORDS, path: text})

    def test_machine_paths(self):
        self.assertEqual(len(self.found_in("see /work/" + "main/src\n")), 1)
        self.assertEqual(self.found_in("in $HOME/work/main and src/workspace/main.c\n"), [])

    def test_registries_and_lock_files(self):
        self.assertEqual(len(self.found_in("registry." + "npmjs.org\n")), 1)
        self.assertEqual(len(self.found_in('"resolved": "https://x"\n', "ide/package-lock.json")), 1)
        self.assertEqual(self.found_in('"resolved": "extension"\n', "ide/package-lock.json"), [])


class Commits(unittest.TestCase):
    def test_good(self):
        for subject in ("base: add arenas", "tests/api: cover the wall", "base, src/data: say why"):
            self.assertIsNone(rule_commits.problem(subject), subject)

    def test_bad(self):
        for subject in ("Add arenas", "base: added arenas", "base: add arenas.", "base:add",
                        "base: " + "a" * 60, "base,data: add keys", ", base: add keys", "Base: add arenas", "base: Add arenas"):
            self.assertIsNotNone(rule_commits.problem(subject), subject)


class Contract(RuleTest):
    def test_fires(self):
        self.assert_fires(rule_contract, {"src/a/a.h": "/* ERR_BUSY. */\nint a_open(int x);\n"
                                          "int a_get(int x); /* ERR_NOT_FOUND */\n"},
                          "a_open", "a_get")

    def test_silent(self):
        self.assert_silent(rule_contract, {"src/a/a.h": "/* ERR_BUSY. */\n#define X 1\n"
                                           "int a_open(int x) BASE_MUST_USE; /* ERR_BUSY */\n"
                                           "int a_count(int x); /* of ERR, no code */\n"
                                           "/* ERR_IO */ struct a { int error; };\n"
                                           "const char *a_name(int e); /* of ERR_IO */\n"})


class Readme(RuleTest):
    def test_missing_long_and_fine(self):
        code = {"src/a/a.c": "\n"}
        self.assert_fires(rule_readme, code, "missing")
        self.assert_fires(rule_readme, {**code, "src/a/README.md": "x\n" * 81}, "over 80")
        self.assert_silent(rule_readme, {**code, "src/a/README.md": "x\n" * 80})


@unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
class Shell(RuleTest):
    def test_fires_and_not(self):
        self.assert_fires(rule_shell, {"scripts/x": "#!/bin/bash\nrm $1\n"}, "SC2086")
        self.assert_silent(rule_shell, {"scripts/x": '#!/bin/bash\nrm "$1"\n', "y.py": "rm $1"})


@unittest.skipUnless(any(map(shutil.which, rule_format.PROGRAMS)), "clang-format is not installed")
class Format(RuleTest):
    def test_fires_and_not(self):
        style = {".clang-format": (HERE.parent.parent / ".clang-format").read_text()}
        self.assert_fires(rule_format, {**style, "src/a.c": "int f(void){return 1;}\n"}, "run")
        self.assert_silent(rule_format, {**style, "src/a.c": "int f(void)\n{\n    return 1;\n}\n"})


@unittest.skipUnless(shutil.which("gcc"), "gcc is not installed")
class Compiled(RuleTest):
    def test_headers(self):
        files = {"src/a/a.h": "#include <stddef.h>\nsize_t a(void);\n",
                 "src/a/b.h": "size_t b(void);\n", "src/a/c.h": '#include "x.gen.h"\nint c(void);\n',
                 "gen/x.gen.h": "\n"}
        self.assert_fires(rule_headers, files, "does not compile alone", gen=["gen"])

    def build(self, folder, name, source):
        where = self.root / "build" / "src" / folder
        where.mkdir(parents=True)
        (where / f"{name}.c").write_text(source)
        subprocess.run(["gcc", "-c", f"{name}.c", "-o", f"{name}.c.o"], cwd=where, check=True)
        subprocess.run(["ar", "rc", f"lib{folder}.a", f"{name}.c.o"], cwd=where, check=True)
        return trees.Tree(self.root, [], build=self.root / "build")

    def externs(self, folder, name, source):
        return [f.message for f in rule_externs.check(self.build(folder, name, source))]

    def test_exported_names(self):
        found = self.externs("files", "list", "int files_a; int list_b(void) { return 1; }"
                             "static int c(void) { return 2; } int (*files_c)(void) = c;")
        self.assertEqual(len(found), 1, found)
        self.assertIn("list_b", found[0])

    def test_exported_names_of_base(self):
        found = self.externs("base", "arena_big", "int arena_a; int base_b;")
        self.assertEqual(len(found), 1, found)
        self.assertIn("base_b", found[0])

    def test_generated_code_is_left_out(self):
        self.assertEqual(self.externs("base", "errors.gen", "int err_table;"), [])


if __name__ == "__main__":
    unittest.main()
