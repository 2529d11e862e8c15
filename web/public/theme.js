// Before the first paint, so that no page flashes in the wrong colours; src/stores/theme.ts keeps it right from then on.
(function () {
  let choice = "system";
  try {
    choice = localStorage.getItem("coditect-theme") || "system";
  } catch {
    // Storage is blocked: the system's colours it is.
  }
  const dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.classList.add(dark ? "dark" : "light");
  document.documentElement.style.colorScheme = dark ? "dark" : "light";
  document.documentElement.style.backgroundColor = dark ? "#0c0c0e" : "#fafafa";
})();
