// Looks for the server, less and less often, and loads the wanted page when it is there.
(function () {
  let choice = "system";
  try {
    choice = localStorage.getItem("coditect-theme") || "system";
  } catch {
    // Storage is blocked: the system's colours it is.
  }
  const system = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => document.documentElement.classList.toggle("dark", choice === "dark" || (choice !== "light" && system.matches));
  system.addEventListener("change", paint);
  paint();

  const state = document.querySelector("#state");
  let pause = 1000;
  let timer;

  async function look() {
    clearTimeout(timer);
    try {
      const { ok } = await fetch("/api/v5/health", { cache: "no-store", credentials: "omit", signal: AbortSignal.timeout(5000) });
      if (ok) return location.reload();
    } catch {
      // Not yet.
    }
    state.textContent = "No answer yet. It tries again by itself.";
    timer = setTimeout(look, pause);
    pause = Math.min(2 * pause, 8000);
    return undefined;
  }

  document.querySelector("#again").addEventListener("click", look);
  addEventListener("online", look);
  document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && look());
  look();
})();
