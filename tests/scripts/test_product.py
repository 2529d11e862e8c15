"""scripts/up with the real product, without the IDE: it answers, comes back and leaves nothing."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time
import unittest
import urllib.request

import standin

BUILD_S = 1500


class RealCheckout:
    """This checkout, with the caches of whoever runs the tests."""

    src = standin.ROOT

    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="product-"))

    @staticmethod
    def environment():
        return dict(os.environ)


class Product(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.checkout = RealCheckout()
        cls.addClassCleanup(shutil.rmtree, cls.checkout.top, ignore_errors=True)

    def up(self, **options):
        up = standin.Up(self.checkout, "--no-ide", **options)
        self.addCleanup(up.close)
        return up

    def ready(self, up, seconds=BUILD_S):
        line = f"ready http://coditect.localhost:{up.port}\n"
        deadline = time.monotonic() + seconds
        while line not in up.output():
            self.assertIsNone(up.process.poll(), up.output())
            self.assertLess(time.monotonic(), deadline, up.output())
            standin.pause()
        return time.monotonic() - up.started

    def status(self, up, path):
        with urllib.request.urlopen(f"http://127.0.0.1:{up.port}{path}", timeout=10) as reply:
            return reply.status

    def processes(self, up):
        """The pids of everything that has this data directory on its command line, but up."""
        found = subprocess.run(["pgrep", "-f", f"coditect.*{up.data}"], capture_output=True,
                               text=True, check=False).stdout
        return [int(pid) for pid in found.split() if not self.is_up(int(pid))]

    @staticmethod
    def is_up(pid):
        try:
            return b"scripts/up" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return True

    def assert_nothing_left(self, up):
        self.assertEqual(self.processes(up), [])
        sockets = [str(p) for p in up.data.rglob("*") if p.is_socket()]
        self.assertEqual(sockets, [])

    def test_life(self):
        up = self.up()
        self.ready(up)
        for path in ("/health", "/api/v5/health"):
            self.assertEqual(self.status(up, path), 200)

        # Every process of the server dies at once; it is back by itself.
        for pid in self.processes(up):
            os.kill(pid, signal.SIGKILL)
        up.wait_output("coditectd answers again")
        self.assertEqual(self.status(up, "/health"), 200)

        # A second product on the same data is refused and harms nothing.
        second = self.up(data=up.data)
        self.assertEqual(second.wait_end(), 1, second.output())
        self.assertEqual(self.status(up, "/health"), 200)

        up.interrupt()
        self.assertEqual(up.wait_end(), 0, up.output())
        self.assert_nothing_left(up)

        again = self.up(data=up.data)
        self.assertLess(self.ready(again), 3)
        again.process.send_signal(signal.SIGTERM)
        self.assertEqual(again.wait_end(), 0, again.output())
        self.assert_nothing_left(again)


if __name__ == "__main__":
    unittest.main()
