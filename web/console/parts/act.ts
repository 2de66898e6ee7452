import { useRef, useState } from "preact/hooks";
import { textOf } from "./answer.tsx";

interface State<Outcome> {
  readonly isBusy: boolean;
  readonly outcome?: Outcome;
  readonly failure?: string;
}

export interface Act<Outcome> extends State<Outcome> {
  /** Does nothing while the last one is under way. */
  readonly run: (act: () => Promise<Outcome>) => void;
}

/** What a button or a form does, once at a time: whether it is under way, what came of it, or why it failed. */
export function useAct<Outcome>(): Act<Outcome> {
  const [state, setState] = useState<State<Outcome>>({ isBusy: false });
  const isBusy = useRef(false);
  const finish = (result: Omit<State<Outcome>, "isBusy">) => {
    isBusy.current = false;
    setState({ isBusy: false, ...result });
  };
  const run = (act: () => Promise<Outcome>) => {
    if (isBusy.current) return;
    isBusy.current = true;
    setState({ isBusy: true });
    act().then(
      (outcome) => finish({ outcome }),
      (error: unknown) => finish({ failure: textOf(error) }),
    );
  };
  return { ...state, run };
}
