import { isWriting } from "./focus.ts";

const keys = "123456789*0#";

/** The keys of a telephone: a button for each, and the same keys of the keyboard unless the user writes text. */
export function openKeypad(addButton: (key: string, press: () => void) => void, press: (key: string) => void): void {
  for (const key of keys) addButton(key, () => press(key));
  document.addEventListener("keydown", (event) => {
    const { key, repeat, altKey, ctrlKey, metaKey, target } = event;
    if (!keys.includes(key) || key === "" || repeat || altKey || ctrlKey || metaKey || isWriting(target)) return;
    press(key);
  });
}
