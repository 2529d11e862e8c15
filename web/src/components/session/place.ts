// Which session's page is shown, and which view of it.
import { createContext, useContext, useMemo, useState } from "react";
import { useMatch } from "react-router";

export type ViewName = "ide" | "files" | "history";

interface Place {
  readonly id: string;
  /** The address names none: the IDE, on a small screen the files. */
  readonly isAny: boolean;
  readonly view: ViewName;
}

const isSmall = (): boolean => globalThis.matchMedia("(max-width: 767px)").matches;

/** As the address says; the same object until another place is named. */
export function useAddressedPlace(): Place | undefined {
  const [small] = useState(isSmall);
  const { id, "*": rest } = useMatch("/sessions/:id/*")?.params ?? {};
  const asked = rest?.split("/")[0];
  return useMemo(() => {
    if (id === undefined) return undefined;
    const view = asked === "ide" || asked === "files" || asked === "history" ? asked : small ? "files" : "ide";
    return { id, isAny: asked === "", view };
  }, [id, asked, small]);
}

export const PlaceContext = createContext<Place | undefined>(undefined);

/** Undefined on a page that is no session's. Nothing else of the address is heard: it changes with each letter that is looked for. */
export function usePlace(): Place | undefined {
  return useContext(PlaceContext);
}
