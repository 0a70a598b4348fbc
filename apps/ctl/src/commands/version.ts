import { defineCommand } from "../frame/command.js";

/** The version of etcd whose command line this is. */
const etcdVersion = "3.7.1";
const apiVersion = "3.7";
const ownVersion = "0.1.0";

export const version = defineCommand({
  name: "version",
  short: "Prints the version of this program",
  group: "Utility commands",
  async run(context) {
    const { programName } = context.world;
    context.printText((page) => {
      if (programName !== "etcdctl") page.line(`${programName} version: ${ownVersion}`);
      page.line(`etcdctl version: ${etcdVersion}`).line(`API version: ${apiVersion}`);
    });
    return undefined;
  },
});
