import type { ChildEnd } from "../world.js";

/** Runs a program with this program's output streams. */
export async function runProgram(
  argv: readonly string[],
  options: { readonly env: Readonly<Record<string, string>>; readonly stdin: "inherit" | "none" },
): Promise<ChildEnd> {
  const { spawn } = await import("node:child_process");
  const [program = "", ...rest] = argv;
  return new Promise((resolve) => {
    const stdin = options.stdin === "none" ? "ignore" : "inherit";
    const child = spawn(program, rest, {
      env: { ...process.env, ...options.env },
      stdio: [stdin, "inherit", "inherit"],
    });
    child.on("error", (error) => {
      const code = "code" in error ? error.code : undefined;
      const isMissing = code === "ENOENT";
      resolve({ kind: "failed", message: isMissing ? missing(program) : `fork/exec ${program}: ${error.message}` });
    });
    child.on("close", (code, signal) => {
      if (signal !== null) resolve({ kind: "signalled", signal });
      else resolve({ kind: "exited", code: code ?? 0 });
    });
  });
}

/** As Go says it: a name is looked for in $PATH, a path is not. */
function missing(program: string): string {
  if (program.includes("/")) return `fork/exec ${program}: no such file or directory`;
  return `exec: "${program}": executable file not found in $PATH`;
}
