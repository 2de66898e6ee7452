/** A metric in the text format of Prometheus. */
export interface Metric {
  readonly name: string;
  readonly help: string;
  readonly kind: "counter" | "gauge" | "histogram";
  readonly samples: readonly Sample[];
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram: `_bucket`, `_sum` or `_count`. */
  readonly suffix?: string;
}

/** The content type of the text format. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8";

export function writeMetrics(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap(({ name, help, kind, samples }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${kind}`,
    ...samples.map(({ labels, value, suffix = "" }) => `${name}${suffix}${written(labels)} ${value}`),
  ]);
  return `${lines.join("\n")}\n`;
}

/** The samples of a histogram. @param bounds upper bounds, each with the number of values up to it in `buckets` */
export function histogram(
  labels: Readonly<Record<string, string>>,
  bounds: readonly number[],
  { buckets, count, sum }: { readonly buckets: readonly number[]; readonly count: number; readonly sum: number },
): Sample[] {
  return [
    ...bounds.map((bound, index) => ({ labels: { ...labels, le: String(bound) }, value: buckets[index] ?? 0, suffix: "_bucket" })),
    { labels: { ...labels, le: "+Inf" }, value: count, suffix: "_bucket" },
    { labels, value: sum, suffix: "_sum" },
    { labels, value: count, suffix: "_count" },
  ];
}

function written(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return parts.length === 0 ? "" : `{${parts.join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
