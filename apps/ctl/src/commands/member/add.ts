import { rpcs } from "@quorate/client";
import { MemberAddResponse } from "@quorate/proto";
import { defineCommand } from "../../frame/command.js";
import { quoteText } from "../../frame/go-values.js";
import { badArguments, messageForms } from "../message-forms.js";
import { memberSentence } from "./member-sentence.js";
import { checkPeerUrls } from "./peer-urls.js";

export const memberAdd = defineCommand({
  name: "add",
  usage: "<memberName> [options]",
  short: "Adds a member into the cluster",
  long: "Adds a member into the cluster, and prints the settings that it is to be started with.",
  flags: {
    "peer-urls": { kind: "string", help: "comma separated peer URLs of the new member" },
    learner: { kind: "bool", help: "add it as a learner, which has no vote until it is promoted" },
  },
  async run(context) {
    const { timeoutMs } = context;
    const { "peer-urls": peerUrls, learner: isLearner } = context.flags;
    const name = readName(context.args);
    if (peerUrls === "") throw badArguments("member peer urls not provided");
    const session = await context.connect();
    const peerURLs = checkPeerUrls(peerUrls);
    const answer = await session.call(rpcs.memberAdd, { peerURLs, isLearner }, { timeoutMs });
    const id = answer.member?.ID ?? 0n;
    const cluster = answer.members.flatMap((one) => {
      return one.peerURLs.map((url) => `${one.ID === id ? name : one.name}=${url}`);
    });
    return {
      simple(page) {
        page
          .line(memberSentence(id, isLearner ? "added as learner to" : "added to", answer.header))
          .line()
          .line(`ETCD_NAME=${quoteText(name)}`)
          .line(`ETCD_INITIAL_CLUSTER=${quoteText(cluster.join(","))}`)
          .line(`ETCD_INITIAL_ADVERTISE_PEER_URLS=${quoteText(peerUrls)}`)
          .line('ETCD_INITIAL_CLUSTER_STATE="existing"');
      },
      ...messageForms(MemberAddResponse, answer, "as wanted"),
    };
  },
});

function readName(args: readonly string[]): string {
  const [name] = args;
  if (name === undefined) throw badArguments("member name not provided");
  if (args.length === 1) return name;
  const urls = args.filter((one) => one.toLowerCase().startsWith("http"));
  throw badArguments(`too many arguments${urls.map((url) => `, did you mean --peer-urls=${url}`).join("")}`);
}
