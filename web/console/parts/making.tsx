import type { ComponentChildren } from "preact";
import type { Api, ApiRequest } from "../api.ts";
import { type Act, useAct } from "./act.ts";
import { Failure } from "./answer.tsx";

/** What a form for something new has made, or what has its name already. */
interface Made<Thing> {
  readonly isNew: boolean;
  readonly thing: Thing;
}

export interface Making<Thing> extends Act<Made<Thing>> {
  readonly make: (request: ApiRequest) => void;
}

/**
 * Makes something new. A PUT would replace what has the same name, so it is sent only if there is none.
 * @param changed is called when there is something that a list may not have yet
 */
export function useMaking<Thing>(api: Api, changed: () => void): Making<Thing> {
  const act = useAct<Made<Thing>>();
  const make = (request: ApiRequest) =>
    act.run(async () => {
      const existing = request.method === "PUT" ? await api.find<Thing>(request.path) : undefined;
      const thing = existing ?? (await (request.method === "PUT" ? api.replace<Thing>(request, undefined) : api.send<Thing>(request)));
      changed();
      return { isNew: existing === undefined, thing };
    });
  return { ...act, make };
}

interface MadeProps<Thing> {
  readonly making: Making<Thing>;
  /** A link to what exists already. */
  readonly linkTo?: (existing: Thing) => ComponentChildren;
  readonly children: (made: Thing) => ComponentChildren;
}

/** What became of it, for screen readers too. */
export function MadeNote<Thing>({ making: { isBusy, outcome, failure }, linkTo, children }: MadeProps<Thing>) {
  return (
    <>
      <div role="status">
        {isBusy && <p>Waiting for the server…</p>}
        {outcome?.isNew === true && <p>{children(outcome.thing)}</p>}
        {outcome?.isNew === false && <p>{linkTo?.(outcome.thing)} exists already, and was not changed.</p>}
      </div>
      {failure !== undefined && <Failure failure={failure} />}
    </>
  );
}
