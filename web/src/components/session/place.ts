// Which session's page is shown, and which view of it.
import { useState } from "react";
import { useMatch } from "react-router";

export type ViewName = "ide" | "files" | "history";

interface Place {
  readonly id: string;
  /** The address names none: the IDE, on a small screen the files. */
  readonly isAny: boolean;
  readonly view: ViewName;
}

const isSmall = (): boolean => globalThis.matchMedia("(max-width: 767px)").matches;

/** Undefined on a page that is no session's. */
export function usePlace(): Place | undefined {
  const [small] = useState(isSmall);
  const match = useMatch("/sessions/:id/*")?.params;
  if (match?.id === undefined) return undefined;
  const asked = match["*"]?.split("/")[0];
  const view = asked === "ide" || asked === "files" || asked === "history" ? asked : small ? "files" : "ide";
  return { id: match.id, isAny: asked === "", view };
}
