#!/usr/bin/python3
"""metrics.py METRICS ERRORS HEADER SOURCE: make the table of metrics from spec/metrics.yaml.
metrics.py --docs METRICS [FILE]: the table for people, or whether FILE holds it."""
import json
import re
import sys

import yaml

TYPES = ("counter", "gauge", "histogram")
BEGIN, END = "<!-- from spec/metrics.yaml -->\n", "<!-- end -->\n"


def fail(text):
    sys.exit(f"metrics: {text}")


def check_row(row, seen):
    name = row.get("name", "")
    if not set(row) <= {"name", "type", "labels", "help"} or not re.fullmatch(r"(coditect|process)_[a-z_]+", name):
        fail(f"{row}: malformed")
    if name in seen or row["type"] not in TYPES or not row.get("help"):
        fail(f"{name}: stands twice, or has no known type, or no help")
    if (row["type"] == "counter") != name.endswith("_total"):
        fail(f"{name}: counters, and nothing else, end in _total")
    if not all(re.fullmatch(r"[a-z_]+", label) and label != "le" for label in row.get("labels", [])):
        fail(f"{name}: malformed labels")
    if "\\" in row["help"] or "\n" in row["help"]:
        fail(f"{name}: help is one line without backslashes")
    seen.add(name)


def load(path):
    spec = yaml.safe_load(open(path, encoding="utf-8"))
    seen = set()
    for row in spec["metrics"]:
        check_row(row, seen)
    if spec["buckets"] != sorted(set(spec["buckets"])):
        fail("buckets do not ascend")
    return spec


def constant(name):
    return "METRIC_" + re.sub(r"^coditect_", "", name).upper()


def numbers(values):
    return "{ " + ", ".join(map(str, values)) + " }"


def write_header(path, spec, statuses):
    with open(path, "w", encoding="utf-8") as out:
        out.write("/* Generated from spec/metrics.yaml and spec/errors.yaml. */\n#ifndef METRICS_GEN_H\n#define METRICS_GEN_H\n\n")
        out.write("#include <stdint.h>\n\nenum metric {\n")
        for row in spec["metrics"]:
            out.write(f"    {constant(row['name'])},\n")
        out.write("    METRIC_COUNT\n};\n\n")
        out.write(f"enum {{ METRIC_STATUSES = {len(statuses)}, METRIC_BUCKETS = {len(spec['buckets'])} }};\n\n")
        out.write("struct metric_row {\n    const char *name, *type, *help;\n};\n\n")
        out.write("extern const struct metric_row metric_table[METRIC_COUNT];\n")
        out.write("extern const int metric_statuses[METRIC_STATUSES]; /* ascending */\n")
        out.write("extern const int64_t metric_buckets[METRIC_BUCKETS]; /* microseconds, ascending */\n\n#endif\n")


def write_source(path, spec, statuses):
    with open(path, "w", encoding="utf-8") as out:
        out.write('/* Generated from spec/metrics.yaml and spec/errors.yaml. */\n#include "metrics.gen.h"\n\n')
        out.write("const struct metric_row metric_table[METRIC_COUNT] = {\n")
        for row in spec["metrics"]:
            out.write(f"    {{ {json.dumps(row['name'])}, {json.dumps(row['type'])}, {json.dumps(row['help'])} }},\n")
        out.write("};\n\n")
        out.write(f"const int metric_statuses[METRIC_STATUSES] = {numbers(statuses)};\n")
        out.write(f"const int64_t metric_buckets[METRIC_BUCKETS] = {numbers(spec['buckets'])};\n")


def table(spec):
    lines = [BEGIN, "| metric | type | labels | what |\n", "|---|---|---|---|\n"]
    for row in spec["metrics"]:
        labels = ", ".join(f"`{label}`" for label in row.get("labels", []))
        lines.append(f"| `{row['name']}` | {row['type']} | {labels} | {row['help']} |\n")
    return "".join(lines) + END


def docs(metrics, path=None):
    wanted = table(load(metrics))
    if path is None:
        print(wanted, end="")
    elif wanted not in open(path, encoding="utf-8").read():
        fail(f"{path} does not say what {metrics} says: put there what metrics.py --docs {metrics} prints")


def make(metrics, errors, header, source):
    spec = load(metrics)
    failures = {row["status"] for row in yaml.safe_load(open(errors, encoding="utf-8"))}
    statuses = sorted(failures | set(spec["statuses"]))
    write_header(header, spec, statuses)
    write_source(source, spec, statuses)


if sys.argv[1] == "--docs":
    docs(*sys.argv[2:])
else:
    make(*sys.argv[1:])
