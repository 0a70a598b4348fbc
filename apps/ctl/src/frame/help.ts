import type { Command } from "./command.js";
import { groups } from "./command.js";
import type { FlagSpec, FlagTable } from "./flag-table.js";
import { formatDuration, quoteText } from "./go-values.js";

/** The flag that every command has beside the global ones. */
export const helpFlag = { kind: "bool", short: "h", help: "show this help" } as const satisfies FlagSpec;

/** The help of a command: what it does, then its usage. @param path from the program's own name down to the command. */
export function helpText(path: readonly Command[]): string {
  const command = path.at(-1);
  if (command === undefined) return "";
  return `${(command.long ?? command.short).trim()}\n\n${usageText(path)}`;
}

/** How a command is written, its flags, and the commands below it. */
export function usageText(path: readonly Command[]): string {
  const command = path.at(-1);
  const root = path[0];
  if (command === undefined || root === undefined) return "";
  const name = path.map((one) => one.name).join(" ");
  const parts = [`Usage:\n${usageLines(command, name)}`];
  const children = command.commands ?? [];
  if (command === root) {
    for (const group of groups) {
      const inGroup = children.filter((one) => one.group === group);
      if (inGroup.length > 0) parts.push(`${group}\n${list(inGroup)}`);
    }
  } else if (children.length > 0) parts.push(`Available Commands:\n${list(children)}`);
  if (command !== root) parts.push(`Flags:\n${flagLines({ ...command.flags, help: helpFlag })}`);
  const more = children.length === 0 ? "" : `Use "${name} [command] --help" for more information about a command.\n`;
  parts.push(
    `${more}Use "${root.name} options" for a list of global command-line options (applies to all commands).\n`,
  );
  return parts.join("\n");
}

function usageLines(command: Command, name: string): string {
  const own = command.run === undefined ? "" : `  ${[name, command.usage, "[flags]"].filter(Boolean).join(" ")}\n`;
  return command.commands === undefined ? own : `${own}  ${name} [command]\n`;
}

function list(commands: readonly Command[]): string {
  const width = Math.max(11, ...commands.map((one) => one.name.length));
  const sorted = [...commands].sort((a, b) => (a.name < b.name ? -1 : 1));
  return sorted.map((one) => `  ${one.name.padEnd(width)} ${one.short}\n`).join("");
}

/** One line for each flag: names, what it holds, what it does, its default. */
export function flagLines(table: FlagTable): string {
  const rows = Object.keys(table)
    .sort()
    .map((name) => {
      const spec = table[name] as FlagSpec;
      const short = spec.short === undefined ? "    " : `-${spec.short}, `;
      const kind = spec.kind === "bool" ? "" : ` ${spec.kind}`;
      return { left: `  ${short}--${name}${kind}`, right: `${spec.help}${defaultText(spec)}` };
    });
  const width = Math.max(...rows.map((row) => row.left.length));
  return rows.map((row) => `${row.left.padEnd(width)}   ${row.right}\n`).join("");
}

function defaultText(spec: FlagSpec): string {
  if (spec.default === undefined) return "";
  switch (spec.kind) {
    case "bool":
      return spec.default ? " (default true)" : "";
    case "string":
      return ` (default ${quoteText(spec.default)})`;
    case "int":
      return ` (default ${spec.default})`;
    case "duration":
      return ` (default ${formatDuration(spec.default)})`;
    case "strings":
      return ` (default [${spec.default.join(",")}])`;
  }
}
