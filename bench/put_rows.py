#!/usr/bin/env python3
"""put_rows.py BEFORE.db AFTER.db NAME: the rows that one PUT of the file NAME wrote, for sqlite_put.

Both are copies (with their -wal) of the store of a server at rest, before and after that PUT, not the session's first. One line a row: the key in hexadecimal, what varies from PUT
to PUT (one letter a byte), and the value's length:

    .  the same always      H  hash of the content, in hexadecimal digits
    P  digits of the name   S  number of the change, in hexadecimal digits      C  number of the commit, big endian
"""
import contextlib
import re
import sqlite3
import sys


def rows(path):
    with contextlib.closing(sqlite3.connect(path)) as db:
        return dict(db.execute("SELECT key, CASE typeof(value) WHEN 'integer' THEN (SELECT value FROM large WHERE number = kv.value)"
                               " ELSE value END FROM kv"))


def spread(mask, key, part, letter):
    """Marks each place where part stands in key."""
    at = key.find(part)
    while at >= 0:
        mask[at:at + len(part)] = letter.encode() * len(part)
        at = key.find(part, at + len(part))


def main(before_path, after_path, name):
    before, after = rows(before_path), rows(after_path)
    changed = {key: value for key, value in after.items() if before.get(key) != value and key != b"meta/commit"}
    new = [key for key in changed if key not in before]
    [change] = [key for key in new if b"/change/ses-" in key]
    [chunk] = [key for key in new if b"/chunk/" in key]
    number, digest = change[-16:], chunk[-64:]
    for key, value in sorted(changed.items()):
        mask = bytearray(b"." * len(key))
        spread(mask, key, digest, "H")
        spread(mask, key, number, "S")
        spread(mask, key, re.search(rb"[0-9]+$", name.encode())[0], "P") if key.endswith(name.encode()) else None
        if not re.fullmatch(rb"[\x20-\x7e]*", key) and key in new:  # a feed's key ends with a position: 2 + 8 + 2 bytes
            mask[-10:-2] = b"C" * 8
        print(key.hex(), mask.decode(), len(value))


main(*sys.argv[1:])
