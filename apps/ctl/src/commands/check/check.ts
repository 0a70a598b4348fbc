import { defineCommand } from "../../frame/command.js";
import { checkDataScale } from "./data-scale.js";
import { checkPerf } from "./perf.js";

export const check = defineCommand({
  name: "check",
  short: "commands for checking properties of the etcd cluster",
  group: "Utility commands",
  commands: [checkPerf, checkDataScale],
});
