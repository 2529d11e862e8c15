"""Finds the functions of a C file and measures them.

lines       from the first token of the definition to its closing brace, both included
complexity  1 + the number of if, for, while, case, &&, || and ?
nesting     how many control statements (if, for, while, do, switch, and macros used like one:
            NAME(…) { … }) stand around the deepest statement; `else if` stays on the level of its
            `if`; a bare block counts nothing
parameters  named ones; `...` is not counted
"""

import collections

import ctokens

Function = collections.namedtuple("Function", "name line end lines complexity nesting parameters")

DECISIONS = {"if", "for", "while", "case"}
DECISION_MARKS = {"&&", "||", "?"}
GUARDED = {"if", "while", "for", "switch"}


def without_attributes(tokens):
    """Drops __attribute__((…)) and _Alignas(…)-like extensions."""
    kept, index = [], 0
    while index < len(tokens):
        if tokens[index].text in ("__attribute__", "__declspec", "__asm__", "_Alignas"):
            index += 1
            if index < len(tokens) and tokens[index].text == "(":
                index = ctokens.matching(tokens, index) + 1
            continue
        kept.append(tokens[index])
        index += 1
    return kept


def definition_name(head):
    """(name token, parameter tokens) when the tokens before a `{` at file level start a function."""
    head = without_attributes(head)
    while head and head[-1].kind == "id" and head[-1].text.isupper():
        head = head[:-1]
    if not head or head[-1].text != ")" or any(t.text == "=" for t in head):
        return None
    depth = 0
    for index in range(len(head) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(head[index].text, 0)
        if depth == 0:
            break
    if index == 0 or head[index - 1].kind != "id":
        return None
    return head[index - 1], head[index + 1:-1]


def count_parameters(tokens):
    groups, depth, current = [], 0, []
    for token in tokens:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.text, 0)
        if token.text == "," and depth == 0:
            groups.append(current)
            current = []
        else:
            current.append(token.text)
    groups.append(current)
    return sum(1 for g in groups if g and g not in (["void"], ["..."]))


class Nesting:
    """Walks the statements of a body and remembers the deepest level."""

    def __init__(self, tokens):
        self.tokens = tokens
        self.deepest = 0

    def text(self, index):
        return self.tokens[index].text if index < len(self.tokens) else ""

    def after_brackets(self, index):
        return ctokens.matching(self.tokens, index) + 1 if self.text(index) == "(" else index

    def control(self, index, level):
        self.deepest = max(self.deepest, level + 1)
        return self.statement(index, level + 1)

    def block(self, index, level):
        end = ctokens.matching(self.tokens, index)
        index += 1
        while index < end:
            index = self.statement(index, level)
        return end + 1

    def plain(self, index):
        """An expression or declaration: to its semicolon, over everything in brackets."""
        while index < len(self.tokens) and self.text(index) not in (";", "}"):
            if self.text(index) in ("(", "{", "["):
                index = ctokens.matching(self.tokens, index)
            index += 1
        return index + 1

    def label_end(self, index):
        """Behind `case …:` or `default:`."""
        while index < len(self.tokens) and self.text(index) != ":":
            index += 1
        return index + 1

    def guarded(self, index, level):
        """if, while, for, switch, or a macro used like one."""
        keyword = self.text(index)
        after = self.control(self.after_brackets(index + 1), level)
        if keyword != "if" or self.text(after) != "else":
            return after
        if self.text(after + 1) == "if":
            return self.statement(after + 1, level)
        return self.control(after + 1, level)

    def is_macro_loop(self, index):
        if self.tokens[index].kind != "id" or self.text(index + 1) != "(":
            return False
        return self.text(self.after_brackets(index + 1)) == "{"

    def statement(self, index, level):
        """Consumes one statement and gives the index behind it."""
        text = self.text(index)
        if text == "{":
            return self.block(index, level)
        if text in GUARDED:
            return self.guarded(index, level)
        if text == "do":
            return self.plain(self.control(index + 1, level))
        if text in ("case", "default"):
            return self.label_end(index)
        if index < len(self.tokens) and self.is_macro_loop(index):
            return self.guarded(index, level)
        return self.plain(index)


def measure(name, parameters, head, body):
    decisions = sum(t.text in DECISIONS for t in body if t.kind == "id")
    decisions += sum(t.text in DECISION_MARKS for t in body if t.kind == "punct")
    nesting = Nesting(body)
    nesting.block(0, 0)
    first, last = head[0].line, body[-1].line
    return Function(name.text, name.line, last, last - first + 1, 1 + decisions, nesting.deepest,
                    count_parameters(parameters))


def functions(tokens):
    """All function definitions of a file, in order."""
    tokens = ctokens.code(tokens)
    found, head_start, index = [], 0, 0
    while index < len(tokens):
        text = tokens[index].text
        if text == ";" or text == "}":
            head_start = index + 1
        elif text in ("(", "["):
            index = ctokens.matching(tokens, index)
        elif text == "{":
            end = ctokens.matching(tokens, index)
            named = definition_name(tokens[head_start:index])
            if named:
                body = tokens[index:end + 1]
                found.append(measure(*named, tokens[head_start:index], body))
                head_start = end + 1
            index = end
        index += 1
    return found
