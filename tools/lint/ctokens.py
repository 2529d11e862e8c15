"""A tokenizer for C that is right about what fools text searches: comments, strings, character
constants, continued lines and preprocessor lines."""

import collections
import re

# kind: id, number, string, char, punct, directive (a whole preprocessor line), comment
Token = collections.namedtuple("Token", "kind text line")

PATTERN = re.compile(
    r"""
      (?P<space>(?:[ \t\r\f\v]|\\\n)+)
    | (?P<newline>\n)
    | (?P<comment>/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*)
    | (?P<string>(?:u8|[uUL])?"(?:\\.|[^"\\\n])*(?:"|(?=\n)|\Z))
    | (?P<char>[uUL]?'(?:\\.|[^'\\\n])*(?:'|(?=\n)|\Z))
    | (?P<id>[A-Za-z_]\w*)
    | (?P<number>\.?\d(?:[eEpP][+-]|[\w.])*)
    | (?P<punct>->|\+\+|--|<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||\.\.\.|[-+*/%&|^]=|\#\#|.)
    """,
    re.X | re.S,
)
DIRECTIVE_PART = re.compile(
    r"""/\*.*?(?:\*/|\Z)|//(?:\\\n|[^\n])*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|\\\n|[^\n]""",
    re.X | re.S,
)


def directive_end(text, start):
    """Where the preprocessor line that begins at start ends: continued lines belong to it."""
    position = start
    while position < len(text):
        match = DIRECTIVE_PART.match(text, position)
        if not match:
            break
        if match.group().startswith("//"):
            break
        position = match.end()
    return position


def tokenize(text):
    """All tokens with comments; a directive is one token without its line comment."""
    tokens, position, line, fresh = [], 0, 1, True
    while position < len(text):
        match = PATTERN.match(text, position)
        kind, end = match.lastgroup, match.end()
        if kind == "punct" and match.group() == "#" and fresh:
            kind, end = "directive", directive_end(text, position)
        piece = text[position:end]
        if kind not in ("space", "newline"):
            tokens.append(Token(kind, piece, line))
        fresh = kind == "newline" or (fresh and kind in ("space", "comment"))
        line += piece.count("\n")
        position = end
    return tokens


def code(tokens):
    """Without comments and preprocessor lines."""
    return [t for t in tokens if t.kind not in ("comment", "directive")]


def matching(tokens, start):
    """The index of the bracket that closes the one at start, or the end of the list."""
    pairs = {"(": ")", "{": "}", "[": "]"}
    depth = 0
    for index in range(start, len(tokens)):
        text = tokens[index].text
        if tokens[index].kind != "punct":
            continue
        if text in pairs:
            depth += 1
        elif text in pairs.values():
            depth -= 1
            if depth == 0:
                return index
    return len(tokens) - 1
