import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MemberProcess } from "../../member/member-process.js";
import { Names } from "../names.js";
import { foldHelp, foldUsage, normalise, normaliseHex, withoutLogs } from "../normalise.js";
import { RunningProgram } from "../program.js";
import { type EqualityStep, preparation, titleOf } from "./steps.js";

/** What a program left behind, without what varies. */
export type Outcome = { readonly exit: string; readonly stdout: string; readonly stderr: string };

/** The same step by both programs. */
export type Pair = { readonly title: string; readonly theirs: Outcome; readonly ours: Outcome };

const limitMs = 20_000;

/** Runs all steps with both programs against one member of ours. */
export async function runBoth(
  steps: readonly EqualityStep[],
  programs: { readonly theirs: string; readonly ours: string },
): Promise<Pair[]> {
  const directory = mkdtempSync(join(tmpdir(), "quorate-both-"));
  await using member = await MemberProcess.launch();
  try {
    const sides = {
      theirs: new Side(programs.theirs, { self: "old-1/", compactsAt: 4 }, directory, member),
      ours: new Side(programs.ours, { self: "new-1/", compactsAt: 5 }, directory, member),
    };
    for (const argv of preparation) {
      const { exit, stderr } = await sides.theirs.run({ argv });
      if (exit !== "0") throw new Error(`${argv.join(" ")}: ${stderr}`);
    }
    const pairs: Pair[] = [];
    for (const step of steps) {
      pairs.push({ title: titleOf(step), theirs: await sides.theirs.run(step), ours: await sides.ours.run(step) });
    }
    return pairs;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

class Side {
  readonly #program: string;
  readonly #names = new Names();
  readonly #self: string;
  readonly #compactsAt: string;
  readonly #directory: string;

  constructor(
    program: string,
    own: { readonly self: string; readonly compactsAt: number },
    directory: string,
    member: MemberProcess,
  ) {
    this.#program = program;
    this.#self = own.self;
    this.#directory = join(directory, own.self);
    this.#compactsAt = String(own.compactsAt);
    mkdirSync(this.#directory);
    this.#names.set("EP1", `127.0.0.1:${member.clientPort}`);
    this.#names.set("PEER1", `127.0.0.1:${member.peerPort}`);
    this.#names.set("TMP", this.#directory);
  }

  async run(step: EqualityStep): Promise<Outcome> {
    const [first = "", ...words] = step.argv.map((word) => this.#fill(word));
    const endpoints = this.#names.fill("--endpoints={EP1}");
    const argv: [string, ...string[]] =
      first === "sh"
        ? [first, ...words]
        : [this.#program, ...(first.startsWith("--endpoints") ? [] : [endpoints]), first, ...words];
    const program = new RunningProgram({
      argv,
      directory: this.#directory,
      environment: { PATH: process.env.PATH ?? "", HOME: this.#directory, LANG: "C.UTF-8", ...step.env },
      input: typeof step.stdin === "string" ? this.#fill(step.stdin) : step.stdin,
    });
    const { exit, stdout, stderr } = await program.finish(step.stop, limitMs);
    const reading = { program: "etcdctl", volatile: ["ttl"], names: this.#names } as const;
    const isBinary = step.argv.includes("protobuf");
    const clean = (text: string) => {
      const same = normalise(text, reading).replaceAll(this.#self, "{SELF}").replaceAll(base64Of(this.#self), "{SELF}");
      return step.changes === true ? withoutRevisions(same) : same;
    };
    return {
      exit: String(exit),
      stdout: isBinary ? binaryForm(stdout, step) : foldHelp(clean(modern(stdout.toString("utf8")))),
      stderr: foldUsage(clean(withoutLogs(modern(stderr.toString("utf8"))))),
    };
  }

  #fill(text: string): string {
    return this.#names.fill(text).replaceAll("{SELF}", this.#self).replaceAll("{COMPACT}", this.#compactsAt);
  }
}

/** How 3.4 writes what has another form since: help begins with its name, and tables are drawn in ASCII. What they say is compared. */
function modern(text: string): string {
  return text
    .replace(/^NAME:\n[\s\S]*^USAGE:$/m, "Usage:")
    .replace(/^\+-[-+]*\+$/gm, "")
    .replace(/^\|.*\|$/gm, (line) => line.replaceAll("|", "│"))
    .replace(/^[┌├└].*$/gm, "")
    .replace(/^│.*$/gm, (line) => line.replace(/ +/g, " "));
}

/** The prefix has six letters, so it stands by itself in base64, too. */
function base64Of(text: string): string {
  return Buffer.from(text).toString("base64");
}

function withoutRevisions(text: string): string {
  return text
    .replace(/("(?:revision|create_revision|mod_revision)":)\d+/g, "$1<revision>")
    .replace(/(compacted revision )\S+/g, "$1<revision>")
    .replace(/("(?:Prev)?(?:Revision|CreateRevision|ModRevision)" : )\d+/g, "$1<revision>");
}

/** Bytes hold revisions and names of their own: of a change only the length is compared. */
function binaryForm(bytes: Uint8Array, step: EqualityStep): string {
  return step.changes === true ? `${bytes.length > 0 ? "some" : "no"} bytes` : normaliseHex(bytes);
}
