import { useEffect, useState } from "preact/hooks";
import { type Api, part } from "../api.ts";
import { Answered, useGet } from "./answer.tsx";
import { useAgain } from "./live.tsx";

/** Trunks whose state is asked for before all are wanted. */
const maxAsked = 50;

interface Status {
  readonly servers: readonly { readonly host: string; readonly connected: boolean; readonly well: boolean; readonly calls: number }[];
  readonly missing?: readonly { readonly server: string; readonly why: string }[];
}

/** The trunks of a domain, each with its state. */
export function TrunkList({ api, domain }: { readonly api: Api; readonly domain: string }) {
  const path = `/domains/${part(domain)}/trunks`;
  const asked = useGet<{ trunks: readonly { name: string }[] }>(api, path);
  const [isWhole, setWhole] = useState(false);
  const [changes, setChanges] = useState(0);
  useAgain(["trunk.up", "trunk.down"], () => setChanges((before) => before + 1));
  return (
    <Answered asked={asked}>
      {({ trunks }) => (
        <>
          {trunks.length === 0 && <p>No trunks.</p>}
          <ul class="plain">
            {trunks.slice(0, isWhole ? Infinity : maxAsked).map(({ name }) => (
              <Trunk key={name} api={api} name={name} path={`${path}/${part(name)}/status`} changes={changes} />
            ))}
          </ul>
          {trunks.length > maxAsked && !isWhole && (
            <p>
              These are {maxAsked} of {trunks.length} trunks.{" "}
              <button class="quiet" onClick={() => setWhole(true)}>
                Show all
              </button>
            </p>
          )}
        </>
      )}
    </Answered>
  );
}

interface TrunkProps {
  readonly api: Api;
  readonly name: string;
  /** Of its state. */
  readonly path: string;
  /** Grows when a trunk has gone up or down. */
  readonly changes: number;
}

function Trunk({ api, name, path, changes }: TrunkProps) {
  const asked = useGet<Status>(api, path);
  useEffect(() => {
    if (changes > 0) asked.again();
  }, [changes]);
  const isWell = asked.failure === undefined && (asked.answer === undefined || asked.answer.servers.some(({ well }) => well));
  return (
    <li data-well={isWell}>
      <strong>{name}</strong> <Answered asked={asked}>{stateOfTrunk}</Answered>
    </li>
  );
}

function stateOfTrunk({ servers, missing = [] }: Status): string {
  const states = servers.map(({ host, connected, well, calls }) => `${host}: ${stateOf(connected, well)}, ${calls} calls`);
  const lost = missing.map(({ server, why }) => `${server}: ${why}`);
  return [...states, ...lost].join("; ") || "no server is known yet";
}

function stateOf(isConnected: boolean, isWell: boolean): string {
  if (!isWell) return "does not answer";
  return isConnected ? "connected" : "not connected now";
}
