import { useState } from "preact/hooks";
import type { Api, Tagged } from "../api.ts";
import { Action } from "./action.tsx";
import { Answered, Failure, useAnswer } from "./answer.tsx";
import { useAct } from "./act.ts";
import { Curl } from "./curl.tsx";

interface EditorProps {
  readonly api: Api;
  readonly path: string;
  /** What is edited, for its label. */
  readonly title: string;
  /** Members that the server shows, and does not take. */
  readonly shown: readonly string[];
  /** What stands there if there is nothing yet. */
  readonly example: object;
  readonly mayDelete?: boolean;
  readonly deleted?: () => void;
}

/** What a path of the API has, to be edited as JSON. It is replaced only if it was not changed since it was read. */
export function Editor(props: EditorProps) {
  const { api, path } = props;
  const asked = useAnswer(path, () => api.tagged(path));
  return <Answered asked={asked}>{(read) => <Form {...props} read={read} again={asked.again} />}</Answered>;
}

interface FormProps extends EditorProps {
  readonly read: Tagged;
  readonly again: () => void;
}

function Form({ api, path, title, shown, example, mayDelete = false, deleted, read, again }: FormProps) {
  const { answer: present, tag } = read;
  /** What was typed is about what was read; something else that is read replaces it. */
  const [edited, setEdited] = useState<{ readonly tag: string | undefined; readonly text: string }>();
  const written = JSON.stringify(present === undefined ? example : without(present, shown), undefined, 2);
  const text = edited !== undefined && edited.tag === tag ? edited.text : written;
  const { isBusy, outcome, failure, run } = useAct<string>();
  /** What was read before it was replaced: it has an old tag, so that nothing can be done until it is read again. */
  const [replaced, setReplaced] = useState<Tagged>();
  const isWaiting = isBusy || replaced === read;
  const body = parsed(text);
  const save = () =>
    run(async () => {
      if (body === undefined) throw new Error("This is no JSON.");
      const made = await api.replace<{ readonly secret?: string } | undefined>({ method: "PUT", path, body }, tag);
      setReplaced(read);
      again();
      return made?.secret === undefined ? "Saved" : `Saved. The secret, which is shown only here: ${made.secret}`;
    });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <label>
        {title}
        {present === undefined && " (there is nothing yet: this is an example)"}
        <textarea
          rows={Math.min(24, text.split("\n").length + 1)}
          value={text}
          spellcheck={false}
          onInput={(event) => setEdited({ tag, text: event.currentTarget.value })}
        />
      </label>
      <p class="row">
        <button disabled={isWaiting}>Save</button>
        {mayDelete && present !== undefined && (
          <Action
            confirm={`Delete ${title}?`}
            disabled={isWaiting}
            act={() => api.replace({ method: "DELETE", path }, tag).then(() => (deleted ?? again)())}
          >
            Delete
          </Action>
        )}
        <button
          type="button"
          class="quiet"
          onClick={() => {
            setEdited(undefined);
            again();
          }}
        >
          Read again
        </button>
      </p>
      <div role="status">{outcome !== undefined && <p>{outcome}</p>}</div>
      {failure !== undefined && <Failure failure={failure} />}
      <Curl method="PUT" path={path} body={body ?? {}} />
    </form>
  );
}

function without(present: object, shown: readonly string[]): object {
  return Object.fromEntries(Object.entries(present).filter(([name]) => !shown.includes(name)));
}

function parsed(text: string): object | undefined {
  try {
    return JSON.parse(text) as object;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
