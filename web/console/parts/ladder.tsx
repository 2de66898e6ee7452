import type { Ladder, Lane, Rung } from "../ladder.ts";

/** Pixels. */
const [laneWidth, rungHeight, top] = [160, 34, 54];
/** Characters that fit into a lane. */
const fitting = 21;

/** A ladder diagram: time goes down, each arrow is a message. The list of steps beside it says the same in words. */
export function LadderDiagram({ ladder: { lanes, rungs } }: { readonly ladder: Ladder }) {
  const width = lanes.length * laneWidth;
  const height = top + (rungs.length + 1) * rungHeight;
  const middle = (lane: number) => lane * laneWidth + laneWidth / 2;
  return (
    <figure class="ladder" tabIndex={0} aria-label="Ladder diagram of the call">
      <svg width={width} height={height} role="img" aria-label="The messages of the call as arrows; the steps below say the same">
        <defs>
          <marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" orient="auto-start-reverse">
            <path d="M0 0 8 4 0 8z" />
          </marker>
        </defs>
        {lanes.map((lane, index) => (
          <LaneLine key={index} lane={lane} x={middle(index)} height={height} />
        ))}
        {rungs.map((rung, index) => (
          <RungLine key={index} rung={rung} y={top + (index + 1) * rungHeight} middle={middle} />
        ))}
      </svg>
    </figure>
  );
}

function LaneLine({ lane: { title, more }, x, height }: { readonly lane: Lane; readonly x: number; readonly height: number }) {
  return (
    <g class="lane">
      <line x1={x} x2={x} y1={top} y2={height} />
      <text x={x} y={20} class="title">
        {cut(title)}
        <title>{`${title}: ${more}`}</title>
      </text>
      <text x={x} y={38}>
        {cut(more)}
      </text>
    </g>
  );
}

function RungLine({ rung, y, middle }: { readonly rung: Rung; readonly y: number; readonly middle: (lane: number) => number }) {
  const { from, to, label, kind, after } = rung;
  const time = sinceBegin(after);
  if (from === to)
    return (
      <g class="rung note">
        <text x={middle(from)} y={y + 4}>{`${label} ${time}`}</text>
      </g>
    );
  return (
    <g class={`rung ${kind}`}>
      <line x1={middle(from)} x2={middle(to)} y1={y} y2={y} marker-end="url(#head)" />
      <text x={(middle(from) + middle(to)) / 2} y={y - 5}>{`${label}  ${time}`}</text>
    </g>
  );
}

/** The same as a list, for screen readers and small screens. */
export function Steps({ ladder: { lanes, rungs } }: { readonly ladder: Ladder }) {
  const name = (lane: number) => lanes[lane]?.title ?? "";
  return (
    <ol class="steps">
      {rungs.map(({ after, from, to, label }, index) => (
        <li key={index}>
          <span class="after">{sinceBegin(after)}</span> {from === to ? `${name(from)}: ${label}` : `${name(from)} → ${name(to)}: ${label}`}
        </li>
      ))}
    </ol>
  );
}

/** @param after milliseconds */
function sinceBegin(after: number): string {
  return `+${(after / 1000).toFixed(after < 10_000 ? 2 : 0)} s`;
}

function cut(text: string): string {
  return text.length > fitting ? `${text.slice(0, fitting - 1)}…` : text;
}
