import type { World } from "../../world.js";
import { badArguments } from "../message-forms.js";

/**
 * The password that a user is to have: asked twice on the terminal, or one word of standard input.
 * @throws CommandFailure, exit code 128, when it is empty or the answers differ
 */
export async function readPassword(
  user: string,
  options: { readonly isInteractive: boolean },
  world: World,
): Promise<string> {
  if (!options.isInteractive) {
    const text = new TextDecoder().decode(await world.stdin.all());
    return /^[^\S\n]*(\S*)/.exec(text)?.[1] ?? "";
  }
  const first = await world.ask(`Password of ${user}: `, { isSecret: true });
  if (first === "") throw badArguments("empty password");
  const second = await world.ask(`Type password of ${user} again for confirmation: `, { isSecret: true });
  if (first !== second) throw badArguments("given passwords are different");
  return first;
}
