export type { Config } from "./config/config.js";
export { type ConfigExit, type ConfigInput, type ConfigRun, readConfig } from "./config/read-config.js";
export { type CoreObserver, silentObserver } from "./core/core-options.js";
export { EntryField } from "./core/entry-codec.js";
export type { MemberRecord } from "./core/membership.js";
export { type Member, openMember } from "./member.js";
export type { InitialMember, MemberOptions, MemberPorts } from "./member-options.js";
