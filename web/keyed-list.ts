/** A line of a list: its text, and the buttons after it. */
export interface Line {
  /** Identifies the line: a line that stays keeps its elements, and the focus on them. */
  readonly key: string;
  readonly text: string;
  /** After the text, in small letters. */
  readonly note?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly buttons?: readonly LineButton[];
}

/** A button's sign, its full name, and its action. */
export type LineButton = readonly [sign: string, name: string, press: () => void];

/** Draws lines into a list, and changes only what is different. The focus of a removed line moves to the next one. */
export function drawList(list: HTMLElement, lines: readonly Line[]): void {
  const drawn = new Map([...list.children].map((item) => [(item as HTMLElement).dataset["key"], item as HTMLElement]));
  const keys = new Set(lines.map(({ key }) => key));
  for (const [key, item] of drawn) if (!keys.has(key ?? "")) remove(item);
  lines.forEach((line, index) => {
    const item = drawn.get(line.key) ?? createLine(line);
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
    write(item.querySelector("span"), line.text);
    write(item.querySelector("small"), line.note ?? "");
    for (const [name, value] of Object.entries(line.data ?? {})) if (item.dataset[name] !== value) item.dataset[name] = value;
  });
}

function write(element: Element | null, text: string): void {
  if (element !== null && element.textContent !== text) element.textContent = text;
}

function remove(item: HTMLElement): void {
  const successor = item.nextElementSibling ?? item.previousElementSibling ?? item.closest("section");
  const hadFocus = item.contains(document.activeElement);
  item.remove();
  if (hadFocus) (successor?.querySelector("button") ?? (successor as HTMLElement | null))?.focus();
}

function createLine({ key, buttons = [] }: Line): HTMLLIElement {
  const item = document.createElement("li");
  item.dataset["key"] = key;
  item.append(document.createElement("span"), document.createElement("small"));
  for (const [sign, name, press] of buttons) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet";
    button.textContent = sign;
    button.title = name;
    button.setAttribute("aria-label", name);
    button.addEventListener("click", press);
    item.append(button);
  }
  return item;
}
