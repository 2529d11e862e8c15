// What the files of a session and those of the person's home are asked for alike.
import { HOME } from "../lib/paths";
import { api } from "../stores/auth";

/** The home's functions; those of a session are the same of its id. */
interface Tree {
  readonly list: typeof api.usersMeHomeList;
  readonly get: typeof api.usersMeHomeGet;
  readonly history: typeof api.usersMeHomeHistory;
  readonly changes: typeof api.usersMeHomeChanges;
  readonly restore: typeof api.usersMeHomeRestore;
}

const home: Tree = {
  list: api.usersMeHomeList,
  get: api.usersMeHomeGet,
  history: api.usersMeHomeHistory,
  changes: api.usersMeHomeChanges,
  restore: api.usersMeHomeRestore,
};

/** tree: a session's id, or HOME. */
export function treeOf(tree: string): Tree {
  if (tree === HOME) return home;
  const sessionId = tree;
  return {
    list: (asked) => api.filesList({ ...asked, sessionId }),
    get: (asked) => api.filesGet({ ...asked, sessionId }),
    history: (asked) => api.filesHistory({ ...asked, sessionId }),
    changes: (asked) => api.filesChanges({ ...asked, sessionId }),
    restore: (asked) => api.filesRestore({ ...asked, sessionId }),
  };
}

/** Where the bytes of its files are, below the API. */
export function filesUrl(tree: string): string {
  return tree === HOME ? "/users/me/home/files" : `/sessions/${tree}/files`;
}
