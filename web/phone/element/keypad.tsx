export const keys = "123456789*0#";

/** The keys of a telephone. */
export function Keypad({ name, press }: { readonly name: string; readonly press: (key: string) => void }) {
  return (
    <div class="keys-grid" role="group" aria-label={name}>
      {[...keys].map((key) => (
        <button type="button" class="quiet" key={key} onClick={() => press(key)}>
          {key}
        </button>
      ))}
    </div>
  );
}
