// What to tell a person about a failure: what happened, and what to do.
import { ApiError } from "../api/generated";

export interface Problem {
  readonly title: string;
  readonly advice: string;
  readonly requestId?: string;
}

const advices: Readonly<Record<string, string>> = {
  not_found: "It may have been deleted or moved, or the address is mistyped.",
  gone: "Look at it as it was, and bring it back from there.",
  conflict: "Reload to see the newest state, then try again.",
  precondition: "Look at what is there now, then try again if you still want to.",
  unsaved: "Edit it and choose which text stays, then try again.",
  exists: "Choose another name.",
  not_empty: "Delete what is in the folder first.",
  forbidden: "Ask the owner of the account for the right to do this.",
  too_large: "Choose a smaller file.",
  no_space: "Delete what you no longer need, then try again.",
  quota: "Try again once there is room.",
  too_many_running: "Pause a session that you do not need now, then open this one.",
  unauthenticated: "Log in again.",
  bad_credentials: "Check both. Capital letters count in the password.",
  bad_code: "Wait for the next code of your app, or use a recovery code.",
  invalid: "Check what you entered.",
};

function adviceFor(error: ApiError): string {
  if (error.retryAfter !== undefined) return `Try again in ${error.retryAfter} s.`;
  const advice = advices[error.code];
  if (advice !== undefined) return advice;
  return error.status >= 500 ? "Try again. If it stays, send us the request id." : "Check what you entered.";
}

export function problemOf(error: unknown): Problem {
  if (error instanceof ApiError) {
    return { title: error.message, advice: adviceFor(error), ...(error.requestId !== "" ? { requestId: error.requestId } : {}) };
  }
  if (error instanceof TypeError) {
    return { title: "The server cannot be reached.", advice: "Check your connection, then try again." };
  }
  return { title: "Something went wrong on this page.", advice: "Reload the page and try again." };
}

/** Of a change to what the page showed: the server speaks of its version, and the person sees none. */
export function changeProblemOf(error: unknown): Problem {
  const problem = problemOf(error);
  return isCode(error, "precondition") ? { ...problem, title: "It was changed elsewhere meanwhile." } : problem;
}

/** The server said nothing, not even no. */
export function isSilence(error: unknown): boolean {
  return error !== null && error !== undefined && !(error instanceof ApiError && error.status < 500);
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof ApiError && error.code === code;
}

/** Whether all that the server says is about some of these fields. */
export function isAbout(error: unknown, fields: readonly string[]): boolean {
  const named = error instanceof ApiError ? Object.keys(error.fields) : [];
  return named.length > 0 && named.every((name) => fields.includes(name));
}

/** The server's word about one field of a form. */
export function fieldProblem(error: unknown, field: string): string | undefined {
  return error instanceof ApiError ? error.fields[field] : undefined;
}
