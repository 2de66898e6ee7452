import { type ComponentChildren, createContext } from "preact";
import { useContext, useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Api } from "../api.ts";
import type { LiveEvent } from "../event-stream.ts";

type Told = (event: LiveEvent) => void;

/** Milliseconds until a list is asked for again after an event, and between two times. */
const [soon, pause] = [300, 3000];
/** What was told while there was no connection is not known: everything may have changed. */
const missed: LiveEvent = { type: "missed", data: {} };

const Live = createContext<{ readonly isLive: boolean; readonly listeners: Set<Told> }>({ isLive: false, listeners: new Set() });

interface LiveEventsProps {
  readonly api: Api;
  readonly domain: string;
  readonly children: ComponentChildren;
}

/** Its children may be told of the events of a domain. */
export function LiveEvents({ api, domain, children }: LiveEventsProps) {
  const [isLive, setLive] = useState(false);
  const listeners = useMemo(() => new Set<Told>(), []);
  useEffect(() => {
    const told = (event: LiveEvent) => {
      for (const listener of listeners) listener(event);
    };
    let wasLive = false;
    const stream = api.watch(domain, {
      told,
      changed: (isOpen) => {
        setLive(isOpen);
        if (isOpen && wasLive) told(missed);
        wasLive ||= isOpen;
      },
    });
    return () => stream.close();
  }, [domain]);
  const shared = useMemo(() => ({ isLive, listeners }), [isLive]);
  return <Live.Provider value={shared}>{children}</Live.Provider>;
}

/** Whether what is shown follows what happens. */
export function LiveMark() {
  const { isLive } = useContext(Live);
  return (
    <small class="live">
      {isLive ? "Live: this page follows what happens." : "Not live: reload the page to see what has happened since."}
    </small>
  );
}

/** Calls `told` with each event. */
export function useEvents(told: Told): void {
  const { listeners } = useContext(Live);
  const newest = useRef(told);
  newest.current = told;
  useEffect(() => {
    const listener: Told = (event) => newest.current(event);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, [listeners]);
}

/** Asks again soon after events of these types, with a pause in between. */
export function useAgain(types: readonly string[], again: () => void): void {
  const timer = useRef<ReturnType<typeof setTimeout>>();
  const last = useRef(0);
  useEffect(() => () => clearTimeout(timer.current), []);
  useEvents(({ type }) => {
    if (timer.current !== undefined || (type !== missed.type && !types.includes(type))) return;
    const ask = () => {
      timer.current = undefined;
      last.current = Date.now();
      again();
    };
    timer.current = setTimeout(ask, Math.max(soon, last.current + pause - Date.now()));
  });
}
