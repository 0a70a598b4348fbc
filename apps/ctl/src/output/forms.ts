import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { jsonText, type JsonValue } from "./json.js";
import { Page } from "./page.js";
import { drawTable, type Table } from "./table.js";

/** What printers take into account beside the answer. */
export type PrintOptions = { readonly isHex: boolean };

/** An answer in the forms a command has. A form that is missing is refused; the request has been carried out by then. */
export type Forms = {
  readonly simple: (page: Page, options: PrintOptions) => void;
  readonly fields?: (page: Page, options: PrintOptions) => void;
  readonly json?: (options: PrintOptions) => JsonValue;
  readonly protobuf?: () => Uint8Array;
  readonly table?: (options: PrintOptions) => Table;
};

/** Names of the forms, as --write-out takes them. */
export type FormName = keyof Forms;

const names: ReadonlySet<string> = new Set(["simple", "fields", "json", "protobuf", "table"] satisfies FormName[]);

/** @throws CommandFailure for a name that is no form. */
export function formNamed(name: string): FormName {
  if (!names.has(name)) throw new CommandFailure(ExitCode.BadFeature, "unsupported output format");
  return name as FormName;
}

/** What is printed of an answer in a form. @throws CommandFailure for a form that the answer does not have. */
export function formBytes(forms: Forms, name: FormName, options: PrintOptions): Uint8Array {
  const page = new Page();
  switch (name) {
    case "simple":
      forms.simple(page, options);
      break;
    case "fields":
      (forms.fields ?? unsupported(name))(page, options);
      break;
    case "json":
      page.line(jsonText((forms.json ?? unsupported(name))(options)));
      break;
    case "protobuf":
      page.bytes((forms.protobuf ?? unsupported(name))());
      break;
    case "table":
      page.text(drawTable((forms.table ?? unsupported(name))(options)));
      break;
  }
  return page.toBytes();
}

function unsupported(name: FormName): never {
  throw new CommandFailure(ExitCode.BadFeature, `${name} not supported as output format`);
}
