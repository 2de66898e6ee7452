import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Api } from "../api.ts";

/** What a page asks the API for: not there yet, there, or why it is not. */
export interface Asked<T> {
  /** The last answer to this question, also if it could not be asked again. */
  readonly answer: T | undefined;
  readonly failure: string | undefined;
  /** Asks again. */
  readonly again: () => void;
}

interface Given<T> extends Partial<Pick<Asked<T>, "answer" | "failure">> {
  readonly question: string;
}

/**
 * Asks when the page is opened, and when the question changes. An answer is given for its own question only: until that of a new question
 * is there, there is none.
 */
export function useAnswer<T>(question: string, ask: () => Promise<T>): Asked<T> {
  const [count, setCount] = useState(0);
  const [given, setGiven] = useState<Given<T>>();
  useEffect(() => {
    let isLast = true;
    ask().then(
      (answer) => isLast && setGiven({ question, answer }),
      (error: unknown) =>
        isLast && setGiven((before) => ({ ...(before?.question === question ? before : { question }), failure: textOf(error) })),
    );
    return () => {
      isLast = false;
    };
  }, [question, count]);
  const again = () => {
    setGiven(withoutFailure);
    setCount((before) => before + 1);
  };
  const { answer, failure } = given?.question === question ? given : {};
  return { answer, failure, again };
}

function withoutFailure<T>(given: Given<T> | undefined): Given<T> | undefined {
  if (given === undefined) return undefined;
  const { failure: _failure, ...rest } = given;
  return rest;
}

/** The same for what a path of the API has. */
export function useGet<T>(api: Api, path: string): Asked<T> {
  return useAnswer(path, () => api.get<T>(path));
}

interface AnsweredProps<T> {
  readonly asked: Asked<T>;
  readonly children: (answer: T) => ComponentChildren;
}

/** The answer as its page shows it; before that that it is awaited, or why there is none. */
export function Answered<T>({ asked: { answer, failure }, children }: AnsweredProps<T>) {
  if (failure !== undefined) return <Failure failure={failure} />;
  if (answer === undefined) return <Waiting />;
  return <>{children(answer)}</>;
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

function Waiting() {
  return <p role="status">Loading…</p>;
}
