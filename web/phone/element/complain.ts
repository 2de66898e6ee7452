/** Shows what is wrong with a field, until it is changed. */
export function complain(field: HTMLInputElement, what: string): void {
  field.setCustomValidity(what);
  field.reportValidity();
  field.addEventListener("input", () => field.setCustomValidity(""), { once: true });
}
