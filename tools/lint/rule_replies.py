"""What the API says is written by the encoders that are made of the document (replies.gen.h): in the folders whose
functions answer, nobody names a member, or opens an object, by hand."""

import re

from tree import Finding
import ctokens

FOLDERS = ("api", "auth", "conversations", "files", "lifecycle", "realtime", "sessions", "settings")
BY_HAND = re.compile(r"^json_(name|object|member|members)(_\w+)?$")
ENDS = {"json_object_end"}
# What is no success of the API.
OTHERS = {
    "src/api/reply.c": "a failure, whose fields are named by the request",
    "src/auth/token.c": "an access token",
}


def check(tree):
    for path in tree.c_files():
        if not path.startswith(tuple(f"src/{folder}/" for folder in FOLDERS)) or path in OTHERS:
            continue
        for token in ctokens.code(tree.tokens(path)):
            if token.kind == "id" and BY_HAND.match(token.text) and token.text not in ENDS:
                yield Finding(path, token.line, "replies", f"{token.text}: write it by replies.gen.h")
