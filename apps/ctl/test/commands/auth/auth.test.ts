import {
  AuthEnableResponse,
  AuthRoleAddResponse,
  AuthUserAddRequest,
  AuthUserAddResponse,
  AuthUserGrantRoleResponse,
} from "@quorate/proto";
import { describe, expect, it } from "vitest";
import { runFake } from "../../fake-world.js";
import { header } from "../../golden-member.js";

const noRole = { status: 9, message: "etcdserver: root user does not have root role", wasSent: true };

describe("auth enable", () => {
  it("gives the user root its role and tries again", async () => {
    let tries = 0;
    const run = await runFake(["auth", "enable"], {
      answers: {
        "/etcdserverpb.Auth/AuthEnable": () => (tries++ === 0 ? noRole : AuthEnableResponse.encode({ header })),
        "/etcdserverpb.Auth/RoleAdd": () => AuthRoleAddResponse.encode({ header }),
        "/etcdserverpb.Auth/UserGrantRole": () => AuthUserGrantRoleResponse.encode({ header }),
      },
    });
    expect(run).toMatchObject({ exitCode: 0, stdout: "Authentication Enabled\n" });
    const asked = run.requests.map(({ path }) => path.split("/")[2]);
    expect(asked).toEqual(["AuthEnable", "RoleAdd", "UserGrantRole", "AuthEnable"]);
  });
});

describe("user add", () => {
  const cases: [argv: string[], stdin: string, wanted: { name: string; password: string; noPassword: boolean }][] = [
    [["a:b:c"], "", { name: "a", password: "b:c", noPassword: false }],
    [["a:"], "", { name: "a", password: "", noPassword: false }],
    [["a", "--interactive=false"], "secret word\n", { name: "a", password: "secret", noPassword: false }],
    [["a", "--interactive=false"], "", { name: "a", password: "", noPassword: false }],
    [["a:b", "--no-password"], "", { name: "a:b", password: "", noPassword: true }],
    [["a:b", "--new-user-password=c"], "", { name: "a:b", password: "c", noPassword: false }],
  ];
  for (const [argv, stdin, wanted] of cases) {
    it(`reads ${JSON.stringify(argv)} with ${JSON.stringify(stdin)}`, async () => {
      const run = await runFake(["user", "add", ...argv], {
        stdin,
        answers: { "/etcdserverpb.Auth/UserAdd": () => AuthUserAddResponse.encode({ header }) },
      });
      const { name, password, options } = AuthUserAddRequest.decode(run.requests[0]?.message ?? new Uint8Array());
      expect({ name, password, noPassword: options?.noPassword ?? false }).toEqual(wanted);
      expect(run.stdout).toBe(`User ${wanted.name} created\n`);
    });
  }
});
