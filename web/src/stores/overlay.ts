// Which of the app's own overlays is open.
import { create } from "zustand";

export type Overlay = "none" | "palette" | "shortcuts" | "new-session";

export const useOverlay = create<{ readonly open: Overlay }>(() => ({ open: "none" }));

export function showOverlay(open: Overlay): void {
  useOverlay.setState({ open });
}
