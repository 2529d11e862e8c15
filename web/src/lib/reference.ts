// The API's reference as tools/gen/openapi_docs.py writes it, and a call of one operation as a request.
import { encodePath } from "../api/generated";

export interface Member {
  readonly name: string;
  readonly required: boolean;
  readonly type: string;
  readonly about?: string;
}

export interface Field extends Member {
  readonly in: "path" | "query" | "header" | "body";
  /** It takes the rest of the path, slashes included. */
  readonly rest?: boolean;
}

interface Reply {
  readonly status: string;
  readonly about: string;
  readonly fields: readonly Member[];
  readonly example?: unknown;
}

export interface Operation {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly summary: string;
  readonly about?: string;
  readonly permission: string;
  readonly roles: readonly string[];
  readonly rate?: string;
  /** Names in the audit log; or "history". */
  readonly audit?: readonly string[];
  /** A WebSocket: no request and its reply. */
  readonly socket?: boolean;
  readonly fields: readonly Field[];
  readonly body: "none" | "json" | "bytes";
  readonly example?: unknown;
  readonly replies: readonly Reply[];
}

export interface Reference {
  readonly title: string;
  readonly version: string;
  readonly base: string;
  readonly about: string;
  readonly groups: ReadonlyArray<{ readonly name: string; readonly about: string; readonly operations: readonly Operation[] }>;
  readonly errors: ReadonlyArray<{ readonly code: string; readonly status: number; readonly retry: boolean; readonly text: string }>;
}

export interface Request {
  readonly path: string;
  readonly init: { readonly method: string; readonly headers: Record<string, string>; readonly body?: string };
}

/** Operations that have every word of text in what a person would look for. */
export function matching(reference: Reference, text: string): Reference["groups"] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  const has = ({ method, path, summary, id }: Operation): boolean => words.every((word) => `${method} ${path} ${summary} ${id}`.toLowerCase().includes(word));
  return reference.groups.map((group) => ({ ...group, operations: group.operations.filter(has) })).filter(({ operations }) => operations.length > 0);
}

/** values: by place and name, as "query.limit"; what is empty is not sent. */
export function requestOf(operation: Operation, base: string, values: Readonly<Record<string, string>>, body: string): Request {
  const given = operation.fields.flatMap((field) => {
    const value = values[`${field.in}.${field.name}`] ?? "";
    return field.in === "body" || value === "" ? [] : [{ field, value }];
  });
  const inPath = given.filter(({ field }) => field.in === "path");
  const path = inPath.reduce((before, { field, value }) => before.replace(`{${field.name}}`, () => (field.rest === true ? encodePath(value) : encodeURIComponent(value))), operation.path);
  const query = new URLSearchParams(given.filter(({ field }) => field.in === "query").map(({ field, value }) => [field.name, value]));
  const headers = Object.fromEntries(given.filter(({ field }) => field.in === "header").map(({ field, value }) => [field.name, value]));
  const hasBody = operation.body !== "none" && (body !== "" || operation.body === "bytes");
  if (hasBody) headers["Content-Type"] = operation.body === "json" ? "application/json" : "application/octet-stream";
  return {
    path: `${base}${path}${query.size > 0 ? `?${query.toString()}` : ""}`,
    init: { method: operation.method, headers, ...(hasBody ? { body } : {}) },
  };
}

/** What the form begins with: ids are left to the person, the body is the document's example. */
export const exampleBody = ({ example }: Operation): string => (example === undefined ? "" : JSON.stringify(example, undefined, 2));

/** Whose token a call bears, as a command for a terminal names it: a link's, a person's, or nobody's. */
export const tokenOf = ({ permission, roles }: Operation): "LINK" | "TOKEN" | undefined => (permission === "link" ? "LINK" : roles.length > 0 ? "TOKEN" : undefined);

/** The same request for a terminal; the token is the reader's to fill in. */
export function asCurl({ path, init }: Request, origin: string, token: ReturnType<typeof tokenOf>): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const headers = { ...(token === undefined ? {} : { Authorization: `Bearer ${token}` }), ...init.headers };
  const parts = [`curl -X ${init.method} ${quoted(origin + path)}`, ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`)];
  if (init.body !== undefined) parts.push(`--data-binary ${quoted(init.body)}`);
  return parts.join(" \\\n  ");
}
