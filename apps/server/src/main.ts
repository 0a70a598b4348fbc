import { flushCompileCache } from "node:module";
import { RealClock } from "./ports/real-clock.js";
import { RealRandom } from "./ports/real-random.js";
import { realTurn } from "./ports/turn.js";
import { runDaemon } from "./process/daemon.js";
import { realProcess, realProcessView, realWait } from "./process/real-process.js";

const ports = {
  clock: new RealClock(),
  random: new RealRandom(),
  turn: realTurn,
  wait: realWait,
  process: realProcessView,
};

// What only says a version or refuses its settings need not load a database.
await runDaemon(realProcess(), async (context) => {
  const { memberStarter } = await import("./compose.js");
  return memberStarter(ports)(context);
});

// A daemon ends by a signal, and then Node does not write what it has compiled: the next start is to find it.
flushCompileCache();
