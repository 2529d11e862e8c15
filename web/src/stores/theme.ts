// Light, dark, or as the system says. public/theme.js does the same before the first paint.
import { create } from "zustand";

export type ThemeChoice = "system" | "light" | "dark";

const key = "coditect-theme";
const system = globalThis.matchMedia("(prefers-color-scheme: dark)");

function read(): ThemeChoice {
  try {
    const stored = localStorage.getItem(key);
    return stored === "light" || stored === "dark" ? stored : "system";
  } catch {
    return "system";
  }
}

function show(choice: ThemeChoice): void {
  const dark = choice === "dark" || (choice === "system" && system.matches);
  const root = document.documentElement;
  root.classList.toggle("dark", dark);
  root.classList.toggle("light", !dark);
  root.style.colorScheme = dark ? "dark" : "light";
  root.style.removeProperty("background-color");
}

export const useTheme = create<{ readonly choice: ThemeChoice }>(() => ({ choice: read() }));

export function chooseTheme(choice: ThemeChoice): void {
  try {
    localStorage.setItem(key, choice);
  } catch {
    // Storage is blocked: it holds for this page.
  }
  useTheme.setState({ choice });
}

useTheme.subscribe(({ choice }) => show(choice));
system.addEventListener("change", () => show(useTheme.getState().choice));
globalThis.addEventListener("storage", (event) => {
  if (event.key === key) useTheme.setState({ choice: read() });
});
show(useTheme.getState().choice);
