"""A small checkout around the real scripts, in which only coditectd is a stand-in that misbehaves
on request. What the real product does is tested by test_product.py."""

import atexit
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEADLINE_S = 120  # a product that ends persists its workspaces first

MESON = """project('standin', 'c')
subdir('src/coditectd')
"""
MESON_OPTIONS = "option('tests', type: 'feature', value: 'enabled')\n"
SERVER_MESON = "configure_file(input: 'server.py', output: 'coditectd', copy: true)\n"
SERVER = '''#!/usr/bin/python3
"""Stand-in for coditectd; the file `mood` beside the data says how it misbehaves."""
import http.server, os, pathlib, signal, sys
arguments = sys.argv[1:]
def option(name):
    return arguments[arguments.index(name) + 1] if name in arguments else None
if "--help" in arguments:
    sys.exit(print("--ide DIR, --node PATH, --stop-workspaces"))
data = pathlib.Path(option("--data"))
mood = (data / "mood").read_text() if (data / "mood").exists() else ""
if "--stop-workspaces" in arguments:
    (data / "workspaces-stopped").touch()
    sys.exit()
if mood == "refuse":
    sys.exit("coditectd: the data is of a newer version")
def stop(*_):
    (data / "stopped-in-order").touch()
    os._exit(0)
signal.signal(signal.SIGTERM, signal.SIG_IGN if mood == "deaf" else stop)
(data / "arguments").write_text(" ".join(arguments))
class Health(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(str(os.getpid()).encode())
    def log_message(self, *_):
        pass
http.server.HTTPServer.allow_reuse_address = True
http.server.HTTPServer(("127.0.0.1", int(option("--listen").split(":")[1])), Health).serve_forever()
'''


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def pause():
    """Between two looks at something that is polled with a deadline."""
    threading.Event().wait(0.02)


def wait_for(condition, what):
    """Polls until condition() is true; its value is the answer."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        pause()
    raise AssertionError(f"not within {DEADLINE_S} s: {what}")


def process_gone(pid):
    """True for a process that has ended; one that nobody has reaped yet counts as ended."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return True
    return stat.rsplit(")", 1)[1].split()[0] == "Z"


class Checkout:
    """A temporary checkout with the real scripts/."""

    def __init__(self):
        self.top = make_place("standin-")
        self.src = self.top / "src"
        shutil.copytree(ROOT / "scripts", self.src / "scripts")
        self.write("meson.build", MESON)
        self.write("meson_options.txt", MESON_OPTIONS)
        self.write("src/coditectd/meson.build", SERVER_MESON)
        self.write("src/coditectd/server.py", SERVER, executable=True)
        (self.top / "bin").mkdir()

    def write(self, path, text, executable=False):
        target = self.src / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
        if executable:
            target.chmod(0o755)

    def replace(self, path, old, new):
        text = (self.src / path).read_text()
        assert old in text, f"{path} has no {old!r}"
        self.write(path, text.replace(old, new), executable=os.access(self.src / path, os.X_OK))

    def fake_program(self, name, text):
        """A program that stands before the system's one on PATH."""
        target = self.top / "bin" / name
        target.write_text("#!/bin/sh\n" + text)
        target.chmod(0o755)

    def environment(self):
        # The linters' and sanitizers' settings of the outer run do not matter to the inner one.
        return {"PATH": f"{self.top}/bin:{os.environ['PATH']}", "HOME": str(self.top),
                "CODITECT_CACHE": str(self.top / "cache"), "LC_ALL": "C"}

    def run(self, script, *arguments):
        """(status, output) of a script that ends by itself."""
        done = subprocess.run([str(self.src / "scripts" / script), *arguments], text=True,
                              env=self.environment(), stdin=subprocess.DEVNULL, timeout=300,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        return done.returncode, done.stdout

    def remove(self):
        shutil.rmtree(self.top, ignore_errors=True)


class Up:
    """scripts/up in a process group of its own, as a terminal would start it. It and its workspaces would outlive this process:
    whatever ends that, they end before it."""

    unfinished = set()

    def __init__(self, checkout, *arguments, data=None):
        self.port = free_port()
        self.data = pathlib.Path(data or tempfile.mkdtemp(dir=checkout.top))
        # Outside the data directory: a second run on the same data has an output of its own.
        self.log = tempfile.NamedTemporaryFile("w+", dir=checkout.top, suffix=".log")
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            [str(checkout.src / "scripts/up"), "--port", str(self.port), "--data", str(self.data),
             *arguments], env=checkout.environment(), stdin=subprocess.DEVNULL, stdout=self.log,
            stderr=subprocess.STDOUT, start_new_session=True)
        Up.unfinished.add(self)

    def output(self):
        return pathlib.Path(self.log.name).read_text(encoding="utf-8")

    def wait_output(self, text):
        def seen():
            if text in self.output():
                return True
            if self.process.poll() is not None:
                raise AssertionError(f"ended before {text!r}:\n{self.output()}")
            return False
        wait_for(seen, text)

    def wait_ready(self):
        """Seconds until the ready line; afterwards self.server is the server's pid."""
        self.wait_output(f"ready http://coditect.localhost:{self.port}\n")
        seconds = time.monotonic() - self.started
        self.server = self.health()
        return seconds

    def health(self):
        """The pid of the stand-in that answers, or None."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as reply:
                return int(reply.read())
        except OSError:
            return None

    def interrupt(self):
        os.killpg(self.process.pid, signal.SIGINT)

    def wait_end(self):
        return self.process.wait(timeout=DEADLINE_S)

    def close(self):
        try:
            if self.process.poll() is None:
                self.process.terminate()
                self.process.wait(timeout=DEADLINE_S)
        finally:
            self.log.close()
            Up.unfinished.discard(self)


places = []


def make_place(prefix):
    """A directory that is gone when this process has ended."""
    places.append(pathlib.Path(tempfile.mkdtemp(prefix=prefix)))
    return places[-1]


@atexit.register
def end_all():
    """What a test did not end: an interrupted one makes no cleanups."""
    for up in Up.unfinished:
        up.process.terminate()  # all at once
    for up in list(Up.unfinished):
        up.close()
    for place in places:
        shutil.rmtree(place, ignore_errors=True)


ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(*_):
    """By the one exception that unittest takes for no failure, behind which it would go on. timeout(1) may signal twice."""
    for number in ENDS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


for one in ENDS:
    signal.signal(one, interrupt)
