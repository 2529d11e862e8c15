// What a test file's servers leave behind is gone when its process ends, however that comes about.

/** Servers whose process runs. */
export const running = new Set();

/** All that were started, until their workspaces are stopped and their own data is gone: also what was killed and never stopped. */
export const unfinished = new Set();

process.on("exit", (code) => {
  for (const server of running) server.child.kill("SIGKILL"); // its child is told by the kernel
  for (const server of unfinished) {
    try {
      server.stopWorkspaces();
      if (code === 0) server.removeData(); // else it is there to be looked at
    } catch (error) {
      console.error(`${server.data} is left: ${error.message}`); // now the others
    }
  }
});

// By itself node would end at these without the hook above.
for (const [signal, number] of [["SIGHUP", 1], ["SIGINT", 2], ["SIGTERM", 15]]) process.once(signal, () => process.exit(128 + number));
