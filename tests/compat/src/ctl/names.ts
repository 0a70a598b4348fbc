/**
 * What a case calls by a name in braces: addresses, directories, and what its steps have captured. Arguments have the names replaced by
 * values, outputs the values by names.
 */
export class Names {
  readonly #values = new Map<string, string>();

  set(name: string, value: string): void {
    this.#values.set(name, value);
  }

  /** The text with the values in the place of names; names that nobody knows stay. */
  fill(text: string): string {
    return text.replace(/\{([A-Z][A-Z0-9]*)\}/g, (all, name: string) => this.#values.get(name) ?? all);
  }

  /** The text with names in the place of values. Ids are found in hexadecimal and decimal form. */
  replace(text: string): string {
    let result = text;
    const forms = [...this.#values]
      .filter(([name]) => name !== "ENDPOINTS")
      .flatMap(([name, value]) => formsOf(name, value));
    for (const { name, form, isWord } of forms.sort((a, b) => b.form.length - a.form.length)) {
      const pattern = form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
      result = result.replace(new RegExp(isWord ? `(?<!\\w)${pattern}(?!\\w)` : pattern, "g"), () => `{${name}}`);
    }
    return result;
  }
}

function formsOf(name: string, value: string): { name: string; form: string; isWord: boolean }[] {
  if (!/^[0-9a-f]{8,16}$/.test(value)) return [{ name, form: value, isWord: !value.startsWith("/") }];
  const id = BigInt(`0x${value}`);
  return [...new Set([value, id.toString(16), id.toString()])].map((form) => ({ name, form, isWord: true }));
}
