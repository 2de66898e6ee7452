import type { Api } from "../api.ts";

/** Domains that are read, the maximum of one page. */
const maxListed = 1000;

export interface DomainList {
  readonly names: readonly string[];
  /** Whether there are others. */
  readonly hasMore: boolean;
}

/** @param only the domain of a key for one domain */
export async function domainsOf(api: Api, only: string | undefined): Promise<DomainList> {
  if (only !== undefined) return { names: [only], hasMore: false };
  const { domains, next_cursor: next } = await api.get<{ domains: { domain: string }[]; next_cursor: string | null }>(
    `/domains?limit=${maxListed}`,
  );
  return { names: domains.map(({ domain }) => domain), hasMore: next !== null };
}

interface DomainChoiceProps {
  readonly domains: DomainList;
  readonly current: string;
  readonly choose: (name: string) => void;
}

/** The domain that is shown, and the others; if there are more than a list has, they are opened by name. */
export function DomainChoice({ domains: { names, hasMore }, current, choose }: DomainChoiceProps) {
  const listed = names.includes(current) ? names : [current, ...names];
  return (
    <>
      <label>
        Domain{" "}
        <select value={current} onChange={(event) => choose(event.currentTarget.value)}>
          {listed.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {hasMore && (
        <form
          class="filters"
          onSubmit={(event) => {
            event.preventDefault();
            choose(String(new FormData(event.currentTarget).get("domain")).trim());
          }}
        >
          <label>
            Another (the list has the first {names.length}) <input name="domain" required placeholder="example.com" />
          </label>
          <button class="quiet">Open</button>
        </form>
      )}
    </>
  );
}
