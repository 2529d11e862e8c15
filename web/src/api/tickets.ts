// The one-time address with which the IDE's frame starts.
import { renew, useAuth } from "../stores/auth";
import { ApiError } from "./generated";

interface Ticket {
  readonly ticket: string;
  readonly expires_in: number;
  readonly url: string;
}

export async function newTicket(sessionId: string): Promise<Ticket> {
  const send = (): Promise<Response> => fetch("/api/v5/auth/tickets", {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${useAuth.getState().token ?? ""}` },
    body: JSON.stringify({ session_id: sessionId }),
  });
  let response = await send();
  if (response.status === 401 && (await renew())) response = await send();
  const reply = await response.json();
  if (!response.ok) throw new ApiError(response.status, reply.error);
  return reply.data;
}
