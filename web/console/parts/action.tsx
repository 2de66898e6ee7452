import type { ComponentChildren } from "preact";
import { useAct } from "./act.ts";

interface ActionProps {
  readonly act: () => Promise<unknown>;
  readonly confirm?: string;
  readonly disabled?: boolean;
  readonly children: ComponentChildren;
}

/** A button that does something, says that it is under way, and why it failed. */
export function Action({ act, confirm: question, disabled = false, children }: ActionProps) {
  const { isBusy, outcome, failure, run } = useAct<"done">();
  const start = () => {
    if (question !== undefined && !confirm(question)) return;
    run(async () => {
      await act();
      return "done";
    });
  };
  return (
    <>
      <button class="quiet" disabled={isBusy || disabled} onClick={start}>
        {children}
      </button>
      <span role="status">{outcome === undefined ? "" : " Done"}</span>
      {failure !== undefined && <span role="alert"> {failure}</span>}
    </>
  );
}
