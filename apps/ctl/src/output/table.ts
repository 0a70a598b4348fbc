/** Columns and rows of text. */
export type Table = { readonly header: readonly string[]; readonly rows: readonly (readonly string[])[] };

/** A table in box drawing characters: header centred and in capitals, cells to the right, no lines between rows. */
export function drawTable(table: Table): string {
  const header = table.header.map((name) => name.toUpperCase().replaceAll("_", " "));
  const widths = header.map((name, column) =>
    Math.max(cells(name), ...table.rows.map((row) => cells(row[column] ?? ""))),
  );
  const rule = (left: string, middle: string, right: string) =>
    `${left}${widths.map((width) => "─".repeat(width + 2)).join(middle)}${right}\n`;
  const line = (row: readonly string[], place: (text: string, width: number) => string) =>
    `│${widths.map((width, column) => ` ${place(row[column] ?? "", width)} `).join("│")}│\n`;
  const body = table.rows.map((row) => line(row, (text, width) => " ".repeat(width - cells(text)) + text));
  return rule("┌", "┬", "┐") + line(header, centred) + rule("├", "┼", "┤") + body.join("") + rule("└", "┴", "┘");
}

function centred(text: string, width: number): string {
  const left = Math.floor((width - cells(text)) / 2);
  return " ".repeat(left) + text + " ".repeat(width - cells(text) - left);
}

function cells(text: string): number {
  return [...text].length;
}
