import { Link } from "wouter-preact";
import { type Api, type CallRecord, type TracedMessage, part } from "../api.ts";
import { duration, explainCall, explainVerification, shortName } from "../explain.ts";
import { ladderOf } from "../ladder.ts";
import { Action } from "../parts/action.tsx";
import { Answered, useGet } from "../parts/answer.tsx";
import { Curl } from "../parts/curl.tsx";
import { LadderDiagram, Steps } from "../parts/ladder.tsx";
import { When } from "../parts/when.tsx";

/** One call: why it ended so, its ladder diagram, its record, and the messages that are still kept. */
export function CallPage({ api, domain, id }: { readonly api: Api; readonly domain: string; readonly id: string }) {
  const path = `/domains/${part(domain)}/calls/${part(id)}`;
  const asked = useGet<CallRecord>(api, path);
  return (
    <>
      <p>
        <Link href={`/${part(domain)}/calls`}>All calls</Link>
      </p>
      <Answered asked={asked}>
        {(call) => (
          <>
            <Story call={call} />
            <h3>Record</h3>
            <RecordTable call={call} />
            <Messages api={api} path={path} />
            <Curl method="GET" path={path} />
          </>
        )}
      </Answered>
    </>
  );
}

function Story({ call }: { readonly call: CallRecord }) {
  const ladder = ladderOf(call);
  return (
    <>
      <h2>
        {call.caller ?? shortName(call.from)} → {call.callee ?? shortName(call.dialled)}
      </h2>
      <p class="why" data-outcome={call.outcome}>
        {explainCall(call)}
      </p>
      <LadderDiagram ladder={ladder} />
      <details open>
        <summary>Steps</summary>
        <Steps ladder={ladder} />
      </details>
    </>
  );
}

function RecordTable({ call }: { readonly call: CallRecord }) {
  const rows: [string, unknown][] = [
    ["Started", <When at={call.started} />],
    ["Outcome", `${call.outcome}, ${call.status} ${call.reason}`],
    ["Duration", call.answered === null ? "not answered" : duration(call.seconds)],
    ["Ended by", call.ended_by],
    ["From", call.from],
    ["To", call.to],
    ["Dialled", call.dialled],
    ["Forwarded to", call.forwarded.join(", ")],
    ["Trunk", call.trunk ?? ""],
    ["Caller's number", explainVerification(call.verification)],
    ["Caller's phone", call.caller_device ?? ""],
    ["Phones that answered", call.devices.map(({ user_agent: agent, way }) => `${agent ?? "unknown"} (${way})`).join(", ")],
    ["Call-ID", call.call_id],
  ];
  return (
    <dl class="record">
      {rows
        .filter(([, value]) => value !== "")
        .map(([title, value]) => (
          <div key={title}>
            <dt>{title}</dt>
            <dd>{value as string}</dd>
          </div>
        ))}
    </dl>
  );
}

/** The messages that the homes of both users still have: those of failed calls for a day. */
function Messages({ api, path }: { readonly api: Api; readonly path: string }) {
  const asked = useGet<{ messages: readonly TracedMessage[] }>(api, `${path}/trace`);
  return (
    <details>
      <summary>Messages {asked.answer === undefined ? "" : `(${asked.answer.messages.length})`}</summary>
      <Answered asked={asked}>
        {({ messages }) =>
          messages.length === 0 ? (
            <p>
              None is kept any more: those of failed calls are kept for a day, others for seconds, unless the messages of a user are kept.
            </p>
          ) : (
            <>
              <Action act={() => download(api, `${path}/trace?format=pcapng`, "call.pcapng")}>Download for Wireshark</Action>
              {messages.map((message, index) => (
                <Message key={index} message={message} />
              ))}
            </>
          )
        }
      </Answered>
    </details>
  );
}

function Message({ message: { at, direction, home, text } }: { readonly message: TracedMessage }) {
  return (
    <details class="message">
      <summary>
        {new Date(at).toISOString().slice(11, 23)} {arrows[direction]} {text.split("\r\n", 1)[0]} <small>at {home}</small>
      </summary>
      <pre tabIndex={0}>{text.replaceAll("\r\n", "\n")}</pre>
    </details>
  );
}

const arrows = { in: "received", out: "sent", note: "note" };

async function download(api: Api, path: string, name: string): Promise<void> {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await api.file(path));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
