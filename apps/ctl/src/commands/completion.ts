import { CommandFailure } from "../command-failure.js";
import { ExitCode } from "../exit-codes.js";
import { type Command, defineCommand } from "../frame/command.js";
import type { FlagTable } from "../frame/flag-table.js";
import { globalFlags } from "../frame/global-flags.js";
import { quoteText } from "../frame/go-values.js";

/** Words that may follow a command, by its path: "etcdctl lease". */
type Words = ReadonlyMap<string, readonly { readonly word: string; readonly help: string }[]>;

/** @param root the program, which is not complete yet when this is called. */
export function completionCommand(programName: string, root: () => Command): Command {
  return defineCommand({
    name: "completion",
    usage: "[bash|zsh|fish|powershell]",
    short: "Generate completion script",
    long: `Prints a script that completes commands and flags in a shell.

bash:        source <(${programName} completion bash)
zsh:         source <(${programName} completion zsh)
fish:        ${programName} completion fish | source
powershell:  ${programName} completion powershell | Out-String | Invoke-Expression`,
    group: "Utility commands",
    async run(context) {
      const [shell = ""] = context.args;
      if (context.args.length !== 1) throw usage(`accepts 1 arg(s), received ${context.args.length}`);
      const write = Object.hasOwn(shells, shell) ? shells[shell] : undefined;
      if (write === undefined) {
        throw usage(`invalid argument ${quoteText(shell)} for ${quoteText(`${programName} completion`)}`);
      }
      const words = new Map(wordsBelow([root()]));
      context.printText((page) => page.text(write(programName, words)));
      return ExitCode.Success;
    },
  });
}

function usage(message: string): CommandFailure {
  return new CommandFailure(ExitCode.Error, message, { shown: "usage" });
}

type Writer = (program: string, words: Words) => string;

const shells: Readonly<Record<string, Writer>> = { bash, zsh, fish, powershell };

function* wordsBelow(path: readonly Command[]): Generator<[string, { word: string; help: string }[]]> {
  const command = path.at(-1);
  const children = command?.commands ?? [];
  const flags: FlagTable = { ...globalFlags, ...command?.flags };
  const commands = children.map((one) => ({ word: one.name, help: one.short }));
  const options = Object.entries(flags).map(([name, spec]) => ({ word: `--${name}`, help: spec.help }));
  yield [path.map((one) => one.name).join(" "), [...commands, ...options]];
  for (const child of children) yield* wordsBelow([...path, child]);
}

/** One line of a shell's case statement for each command. */
function cases(words: Words): string {
  return [...words]
    .map(([path, list]) => `    "${path}") choices="${list.map((one) => one.word).join(" ")}" ;;`)
    .join("\n");
}

/** Finds which command is being written, by its words without flags as far as they name commands, and what may follow it. */
function findChoices(program: string, words: Words, typed: string): string {
  const known = [...words.keys()].map((path) => `"${path}"`).join("|");
  return `  local at="${program}" word choices=""
  for word in ${typed}; do
    case "$at $word" in
      ${known}) at="$at $word" ;;
    esac
  done
  case "$at" in
${cases(words)}
  esac`;
}

function bash(program: string, words: Words): string {
  return `# bash completion for ${program}
__${program}_complete() {
${findChoices(program, words, `"\${COMP_WORDS[@]:1:COMP_CWORD-1}"`)}
  COMPREPLY=($(compgen -W "$choices" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F __${program}_complete ${program}
`;
}

function zsh(program: string, words: Words): string {
  return `#compdef ${program}
_${program}() {
${findChoices(program, words, `"\${(@)words[2,CURRENT-1]}"`)}
  compadd -- \${=choices}
}
compdef _${program} ${program}
`;
}

function fish(program: string, words: Words): string {
  const lines = [...words].flatMap(([path, list]) => {
    const names = path.split(" ").slice(1);
    const seen = names.map((name) => `__fish_seen_subcommand_from ${name}`);
    const condition = seen.length === 0 ? "__fish_use_subcommand" : seen.join("; and ");
    return list.map(({ word, help }) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-f -a ${word}`;
      return `complete -c ${program} -n '${condition}' ${what} -d '${help.replaceAll(/['\\]/g, "")}'`;
    });
  });
  return `# fish completion for ${program}\n${lines.join("\n")}\n`;
}

function powershell(program: string, words: Words): string {
  const table = [...words].map(([path, list]) => `    '${path}' = @(${list.map((one) => `'${one.word}'`).join(", ")})`);
  return `# PowerShell completion for ${program}
Register-ArgumentCompleter -Native -CommandName '${program}' -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $choices = @{
${table.join("\n")}
  }
  $path = '${program}'
  foreach ($element in $commandAst.CommandElements | Select-Object -Skip 1) {
    if ($choices.ContainsKey("$path $element")) { $path = "$path $element" }
  }
  $choices[$path] | Where-Object { $_ -like "$wordToComplete*" } | ForEach-Object {
    [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
  }
}
`;
}
