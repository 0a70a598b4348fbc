export type { Revision } from "@quorate/common";
