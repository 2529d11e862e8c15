// What is asked for by a text that a person types into the past: a path, or a part of a name.
import { useQueries, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { isBackSince, type Last, lastOf, newestOf, tookAlong } from "../lib/past";
import { HOME } from "../lib/paths";
import { api } from "../stores/auth";
import type { Change, Entry } from "./generated";
import { treeOf } from "./trees";

const REST_MS = 250;
const PAGES = 5;
/** Folders that were deleted last, in which a name is looked for. */
const MOST_FOLDERS = 10;
const MOST_ENTRIES = 1000;

/** The text once the hand rests. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}

/** A page that found little may end early. */
async function changesOf(tree: string, path: string, signal: AbortSignal): Promise<readonly Change[]> {
  const found: Change[] = [];
  let cursor: string | undefined;
  for (let i = 0; i < PAGES; i++) {
    const { data, page } = await treeOf(tree).changes({ path, signal, ...(cursor !== undefined ? { cursor } : {}) });
    found.push(...data);
    if (page.next === null) break;
    cursor = page.next;
  }
  return found;
}

/** The changes of the path that the text is, newest first: also those of folders above it, and under the names it had before. */
export function useChangesOf(tree: string, text: string): { readonly path: string; readonly changes: readonly Change[] } {
  const path = useRested(text).replaceAll(/^\/+|\/+$/g, "");
  const { data } = useQuery({
    queryKey: ["files", tree, path, "changes of it"],
    queryFn: ({ signal }) => changesOf(tree, path, signal),
    enabled: path !== "",
    retry: false, // it need not be a path
  });
  return { path, changes: data ?? [] };
}

/** What was deleted with a folder above it. */
export interface WentAlong {
  readonly path: string;
  readonly folder: Change;
}

const isReadable = (one: { readonly path_b64?: string }): boolean => one.path_b64 === undefined;

export interface Known {
  /** Deletions of what is still gone. */
  readonly gone: readonly Change[];
  /** All that is known, newest first: it tells what came back. */
  readonly changes: readonly Change[];
}

/** What the text names in folders that were deleted, and is still gone: by its whole path, or in the latest of them by a part of its path. */
export function useWentAlong(tree: string, { gone, changes }: Known, text: string): readonly WentAlong[] {
  const { path, changes: ofPath } = useChangesOf(tree, text);
  const part = path.toLowerCase();
  const folders = gone.filter((one) => one.type === "dir" && isReadable(one) && !one.path.toLowerCase().includes(part)).slice(0, part === "" || tree === HOME ? 0 : MOST_FOLDERS);
  const inside = useQueries({
    queries: folders.map((folder) => ({
      queryKey: ["moment", tree, folder.path, folder.version - 1, "all"],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }): Promise<readonly Entry[]> => (await api.filesList({ sessionId: tree, path: folder.path, at: folder.version - 1, recursive: true, limit: MOST_ENTRIES, signal })).data,
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 60_000,
      retry: false, // the moment may not be kept any more
    })),
  });
  const newest = newestOf(changes);
  const found = folders.flatMap((folder, i) => (inside[i]?.data ?? []).filter((entry) => isReadable(entry) && entry.path.toLowerCase().includes(part) && !isBackSince(newest, entry.path, folder.version)).map((entry) => ({ path: entry.path, folder })));
  const above = tookAlong(ofPath, path);
  const isFound = above === undefined || found.some((one) => one.path === path && one.folder.version === above.version);
  return isFound ? found : [{ path, folder: above }, ...found];
}

/** What was at the path last; undefined: nothing ever was there, or it is there. */
export function useLastOf(tree: string, path: string, enabled: boolean): Last | undefined {
  const { data } = useQuery({
    queryKey: ["files", tree, path, "last"],
    queryFn: async ({ signal }) => (await treeOf(tree).history({ path, limit: 1, signal })).data[0],
    enabled,
    retry: false,
  });
  return enabled ? lastOf(data) : undefined;
}
