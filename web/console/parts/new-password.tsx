interface Props {
  readonly value: string;
  readonly change: (password: string) => void;
}

/** A field for a password that is to be set, with the bound of the API. */
export function NewPasswordField({ value, change }: Props) {
  return (
    <label>
      Password{" "}
      <input
        type="password"
        value={value}
        required
        minLength={8}
        autocomplete="new-password"
        onInput={(event) => change(event.currentTarget.value)}
      />
    </label>
  );
}
