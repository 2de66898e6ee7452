import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import type { CallRecord } from "../api.ts";

const hour = 3_600_000;
const hours = 24;

interface DayPlotProps {
  readonly calls: readonly CallRecord[];
  /** Milliseconds. */
  readonly now: number;
  /** What it shows, for screen readers. */
  readonly label: string;
}

/** Calls of the last day by hour: answered ones, and all. */
export function DayPlot({ calls, now, label }: DayPlotProps) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (element === null) return undefined;
    const plot = new UPlot(optionsFor(element), countsOf(calls, now), element);
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height: plotHeight }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [calls, now]);
  return <div ref={place} class="plot" role="img" aria-label={label} />;
}

const plotHeight = 180;

function countsOf(calls: readonly CallRecord[], now: number): UPlot.AlignedData {
  const first = Math.floor(now / hour) - hours + 1;
  const places = Array.from({ length: hours }, (_, index) => first + index);
  const count = (of: readonly CallRecord[]) =>
    places.map((place) => of.filter(({ started }) => Math.floor(Date.parse(started) / hour) === place).length);
  return [places.map((place) => (place * hour) / 1000), count(calls), count(calls.filter(({ outcome }) => outcome === "answered"))];
}

function optionsFor(element: HTMLElement): UPlot.Options {
  const colour = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
  const bars = UPlot.paths.bars?.({ size: [0.7, 40] });
  const axis = { stroke: colour("--ink"), grid: { stroke: colour("--line"), width: 1 } };
  const series = (label: string, fill: string): UPlot.Series => ({
    label,
    fill,
    stroke: fill,
    ...(bars === undefined ? {} : { paths: bars }),
    points: { show: false },
  });
  return {
    width: element.clientWidth,
    height: plotHeight,
    cursor: { show: false },
    legend: { live: false },
    scales: { y: { range: (_plot, _least, most) => [0, Math.max(4, most)] } },
    axes: [axis, { ...axis, size: 36, incrs: [1, 2, 5, 10, 50, 100, 500, 1000] }],
    series: [{}, series("all", colour("--line-strong")), series("answered", colour("--accent"))],
  };
}
