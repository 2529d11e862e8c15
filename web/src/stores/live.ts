// The session whose events come to this page as they happen; undefined: none's. What is shown of it needs no asking.
import { create } from "zustand";

export const useLive = create<{ readonly id: string | undefined }>(() => ({ id: undefined }));

export function noteLive(id: string, isLive: boolean): void {
  if (isLive) useLive.setState({ id });
  else if (useLive.getState().id === id) useLive.setState({ id: undefined });
}
