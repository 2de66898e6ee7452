import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { textOf } from "./answer.tsx";

/** A button that does something, says that it is under way, and why it failed. */
export function Action({
  act,
  confirm: question,
  children,
}: {
  readonly act: () => Promise<unknown>;
  readonly confirm?: string;
  readonly children: ComponentChildren;
}) {
  const [{ isBusy, isDone, failure }, set] = useState<{ isBusy: boolean; isDone?: boolean; failure?: string }>({ isBusy: false });
  const run = () => {
    if (question !== undefined && !confirm(question)) return;
    set({ isBusy: true });
    act().then(
      () => set({ isBusy: false, isDone: true }),
      (error: unknown) => set({ isBusy: false, failure: textOf(error) }),
    );
  };
  return (
    <>
      <button class="quiet" disabled={isBusy} onClick={run}>
        {children}
      </button>
      <span role="status">{isDone === true ? " Done" : ""}</span>
      {failure !== undefined && <span role="alert"> {failure}</span>}
    </>
  );
}
