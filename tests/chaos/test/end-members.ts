import { killMembers } from "@quorate/tests-compat";
import { afterAll } from "vitest";

// A test that ran into its time limit has not disposed of its member.
afterAll(killMembers);
