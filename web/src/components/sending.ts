// A form that is being sent: whether it is, and what came of the last try.
import { useState } from "react";

interface Sending {
  readonly busy: boolean;
  readonly error: unknown;
  /** One at a time; a failure is kept to be shown. */
  readonly send: (run: () => Promise<void>) => Promise<void>;
}

export function useSending(): Sending {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const send = async (run: () => Promise<void>): Promise<void> => {
    if (busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await run();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return { busy, error, send };
}
