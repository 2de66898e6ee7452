import { useEffect, useState } from "preact/hooks";

/** An answer of the API that a page needs: not there yet, there, or why it is not. */
export interface Asked<T> {
  readonly answer: T | undefined;
  readonly failure: string | undefined;
  /** Asks again. */
  readonly again: () => void;
}

/** @param whenever asks again when one of these changes */
export function useAnswer<T>(ask: () => Promise<T>, whenever: readonly unknown[]): Asked<T> {
  const [count, setCount] = useState(0);
  const [{ answer, failure }, set] = useState<Pick<Asked<T>, "answer" | "failure">>({ answer: undefined, failure: undefined });
  useEffect(() => {
    let isWanted = true;
    ask().then(
      (given) => isWanted && set({ answer: given, failure: undefined }),
      (error: unknown) => isWanted && set({ answer: undefined, failure: textOf(error) }),
    );
    return () => {
      isWanted = false;
    };
  }, [...whenever, count]);
  return { answer, failure, again: () => setCount(count + 1) };
}

export function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

export function Failure({ failure }: { readonly failure: string }) {
  return (
    <p role="alert" class="failure">
      {failure}
    </p>
  );
}

export function Waiting() {
  return <p role="status">Loading…</p>;
}
