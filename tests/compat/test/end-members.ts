import { afterAll } from "vitest";
import { killMembers } from "../src/index.js";

// A test that ran into its time limit has not disposed of its member.
afterAll(killMembers);
