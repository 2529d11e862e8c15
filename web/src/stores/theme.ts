// Light, dark, or as the system says. public/theme.js does the same before the first paint.
import { create } from "zustand";

export type ThemeChoice = "system" | "light" | "dark";
export type ThemeKind = "light" | "dark";

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

interface Theme {
  readonly choice: ThemeChoice;
  /** What the choice comes to. */
  readonly shown: ThemeKind;
}

function themeOf(choice: ThemeChoice): Theme {
  if (choice !== "system") return { choice, shown: choice };
  return { choice, shown: system.matches ? "dark" : "light" };
}

function show({ shown }: Theme): void {
  const root = document.documentElement;
  root.classList.toggle("dark", shown === "dark");
  root.classList.toggle("light", shown === "light");
  root.style.colorScheme = shown;
  root.style.removeProperty("background-color");
}

export const useTheme = create<Theme>(() => themeOf(read()));

export const isThemeChoice = (value: unknown): value is ThemeChoice => value === "system" || value === "light" || value === "dark";

/** On this device; also before somebody logs in. */
export function showTheme(choice: ThemeChoice): void {
  if (useTheme.getState().choice === choice) return;
  try {
    localStorage.setItem(key, choice);
  } catch {
    // Storage is blocked: it holds for this page.
  }
  useTheme.setState(themeOf(choice));
}

/** Less than the system's wish is not offered: that one always counts. */
export function showMotion(isReduced: boolean): void {
  document.documentElement.toggleAttribute("data-still", isReduced);
}

useTheme.subscribe(show);
system.addEventListener("change", () => useTheme.setState(themeOf(useTheme.getState().choice)));
globalThis.addEventListener("storage", (event) => {
  if (event.key === key) useTheme.setState(themeOf(read()));
});
show(useTheme.getState());
