"""Functions and keywords that the house does not use, found in the tokens, not in the text."""

from tree import Finding
import ctokens

EVERYWHERE = {
    "strcpy": "use struct str or struct buf", "strcat": "use struct buf",
    "strncpy": "use struct str or memcpy", "sprintf": "use snprintf or struct buf",
    "vsprintf": "use vsnprintf or struct buf", "strtok": "use struct str",
    "atoi": "parse with bounds (base/str.h)", "atol": "parse with bounds (base/str.h)",
    "atoll": "parse with bounds (base/str.h)", "strtol": "parse with bounds (base/str.h)",
    "gets": "it has no bound", "localtime": "use base/time.h", "gmtime": "use base/time.h",
    "alloca": "use an arena", "usleep": "wait on a condition", "nanosleep": "wait on a condition",
    "sleep": "wait on a condition", "clock_nanosleep": "wait on a condition",
    "accept": "use accept4 with SOCK_CLOEXEC", "pipe": "use pipe2 with O_CLOEXEC",
    "epoll_create": "use epoll_create1 with EPOLL_CLOEXEC",
    "inotify_init": "use inotify_init1 with IN_CLOEXEC", "creat": "use open with O_CLOEXEC",
}
MEMORY = "use base/mem.h, an arena, buf, vec or map"
OUTSIDE_BASE = {
    **{name: MEMORY for name in ("malloc", "calloc", "realloc", "reallocarray", "free", "strdup",
                                 "strndup", "asprintf", "vasprintf")},
    **{name: "use base/time.h" for name in ("clock_gettime", "gettimeofday", "time")},
    **{name: "use base/rand.h" for name in ("rand", "srand", "random", "getrandom",
                                            "getentropy")},
    **{name: "use base/lock.h" for name in (
        "pthread_mutex_init", "pthread_mutex_lock", "pthread_mutex_unlock",
        "pthread_mutex_trylock", "pthread_cond_wait", "pthread_cond_timedwait",
        "pthread_cond_signal", "pthread_cond_broadcast", "pthread_rwlock_rdlock",
        "pthread_rwlock_wrlock", "pthread_spin_lock")},
}
# A call of the function must name the flag that closes the descriptor on exec.
NEEDS_FLAG = {
    "open": "O_CLOEXEC", "openat": "O_CLOEXEC", "open64": "O_CLOEXEC", "pipe2": "O_CLOEXEC",
    "socket": "SOCK_CLOEXEC", "socketpair": "SOCK_CLOEXEC", "accept4": "SOCK_CLOEXEC",
    "epoll_create1": "EPOLL_CLOEXEC", "inotify_init1": "IN_CLOEXEC", "eventfd": "EFD_CLOEXEC",
    "timerfd_create": "TFD_CLOEXEC", "signalfd": "SFD_CLOEXEC", "memfd_create": "MFD_CLOEXEC",
    "mkostemp": "O_CLOEXEC",
}
IN_BASE = ("src/base/", "tests/unit/base/")
# Names that variables have too (time, random, pipe): only their calls count.
VALUE_COUNTS = {"malloc", "calloc", "realloc", "free", "strdup", "strcpy", "strcat", "atoi"}
BEFORE_VALUE = {"=", ",", "(", "?", ":", "return", "{"}
AFTER_VALUE = {",", ")", ";", "}", ":"}


def is_use(tokens, index):
    """A call, or the function's name as a value; not a member or a declared name."""
    before = tokens[index - 1].text if index else ""
    after = tokens[index + 1].text if index + 1 < len(tokens) else ""
    if before in (".", "->", "*"):
        return False
    if after == "(":
        return True
    return (tokens[index].text in VALUE_COUNTS and before in BEFORE_VALUE
            and after in AFTER_VALUE)


def lacks_flag(tokens, index):
    flag = NEEDS_FLAG.get(tokens[index].text)
    if not flag or index + 1 >= len(tokens) or tokens[index + 1].text != "(":
        return None
    if index and tokens[index - 1].text in (".", "->", "*"):
        return None
    end = ctokens.matching(tokens, index + 1)
    arguments = {t.text for t in tokens[index + 1:end]}
    return None if flag in arguments else flag


def is_cost_measurement(tokens, index):
    """The processor's time is no clock that a test could drive."""
    return any(t.text.endswith("_CPUTIME_ID") for t in tokens[index + 1:index + 3])


def is_struct_typedef(tokens, index):
    return (tokens[index].text == "typedef" and index + 1 < len(tokens)
            and tokens[index + 1].text in ("struct", "union"))


def problem(tokens, index, banned):
    """What is wrong with the identifier at index, or None."""
    name = tokens[index].text
    if name == "goto":
        return "goto: use a cleanup attribute or a function"
    if is_struct_typedef(tokens, index):
        return "typedef of a struct: write the struct's name"
    if name in banned and is_use(tokens, index) and not is_cost_measurement(tokens, index):
        return f"{name}: {banned[name]}"
    flag = lacks_flag(tokens, index)
    return f"{name} without {flag}" if flag else None


def check(tree):
    for path in tree.c_files():
        banned = EVERYWHERE if path.startswith(IN_BASE) else {**EVERYWHERE, **OUTSIDE_BASE}
        tokens = ctokens.code(tree.tokens(path))
        for index, token in enumerate(tokens):
            found = problem(tokens, index, banned) if token.kind == "id" else None
            if found:
                yield Finding(path, token.line, "banned", found)
