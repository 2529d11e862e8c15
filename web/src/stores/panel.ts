// Whether the side panel is shown. Beside a session's IDE, which wants the room, it is a choice of its own; on a small screen
// it lies over the page and is closed by going somewhere.
import { create } from "zustand";

export type Place = "session" | "page";

interface Panel {
  readonly session: boolean;
  readonly page: boolean;
  /** On a small screen. */
  readonly over: boolean;
}

const keyOf = (place: Place): string => `coditect-panel-${place}`;

function read(place: Place, otherwise: boolean): boolean {
  try {
    const stored = localStorage.getItem(keyOf(place));
    return stored === null ? otherwise : stored === "1";
  } catch {
    return otherwise;
  }
}

export const usePanel = create<Panel>(() => ({ session: read("session", false), page: read("page", true), over: false }));

export function showPanel(place: Place, isShown: boolean): void {
  usePanel.setState({ [place]: isShown });
  try {
    localStorage.setItem(keyOf(place), isShown ? "1" : "0");
  } catch {
    // Storage is blocked: it holds for this page.
  }
}

export function showPanelOver(over: boolean): void {
  usePanel.setState({ over });
}
