import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { initialStates, transitions } from "../../lib/proxy/response-context/state.ts";

const id = (state: string) => state.replace(" ", "_");

/** The table of transitions as a Mermaid diagram: one arrow from a state to another, with all events that lead there. */
function diagram(): string {
  const arrows = new Map<string, string[]>();
  for (const [from, events] of Object.entries(transitions))
    for (const [event, states] of Object.entries(events))
      for (const to of states) {
        const arrow = `${id(from)} --> ${id(to)}`;
        arrows.set(arrow, [...(arrows.get(arrow) ?? []), event]);
      }
  const first = initialStates.map((state) => `  [*] --> ${id(state)}`);
  const lines = [...arrows].map(([arrow, events]) => `  ${arrow}: ${events.join(", ")}`);
  return ["```mermaid", "stateDiagram-v2", ...first, ...lines, "```"].join("\n");
}

it("the diagram of a response context in docs/design/calls.md is that of its table", () => {
  expect(readFileSync("docs/design/calls.md", "utf8")).toContain(diagram());
});
