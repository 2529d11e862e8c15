"""Headers: a function whose comment promises an ERR_… is marked BASE_MUST_USE, so that the compiler
finds callers that ignore it."""

import ctokens
from tree import Finding

MARK = "BASE_MUST_USE"


def declarations(tokens):
    """(tokens of one declaration at file level, its comments): those before it and, behind its
    semicolon, on the same line."""
    comments, current, depth = [], [], 0
    index = 0
    while index < len(tokens):
        token = tokens[index]
        index += 1
        if token.kind == "directive":
            comments, current = [], []
            continue
        if token.kind == "comment":
            comments.append(token)
            continue
        current.append(token)
        depth += {"{": 1, "}": -1}.get(token.text, 0)
        if depth or token.text not in (";", "}"):
            continue
        while index < len(tokens) and tokens[index].kind == "comment" and \
                tokens[index].line == token.line:
            comments.append(tokens[index])
            index += 1
        yield current, comments
        comments, current = [], []


def is_fallible_prototype(declaration):
    """`int name(…)…;` and nothing before it but `extern`."""
    texts = [t.text for t in declaration if t.text != "extern"]
    return len(texts) > 3 and texts[0] == "int" and texts[2] == "(" and texts[-1] == ";"


def check(tree):
    for path in tree.named(".h", under=("src/",)):
        for declaration, comments in declarations(tree.tokens(path)):
            if not is_fallible_prototype(declaration):
                continue
            promised = any("ERR_" in c.text for c in comments)
            if promised and all(t.text != MARK for t in declaration):
                name = ctokens.code(declaration)[1]
                yield Finding(path, name.line, "contract", f"{name.text}: mark it {MARK}")
