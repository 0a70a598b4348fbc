import { createHash } from "node:crypto";
import {
  AuthDisableResponse,
  AuthEnableResponse,
  AuthRoleAddResponse,
  AuthRoleDeleteResponse,
  AuthRoleGetResponse,
  AuthRoleGrantPermissionResponse,
  AuthRoleListResponse,
  AuthRoleRevokePermissionResponse,
  AuthStatusResponse,
  AuthUserAddResponse,
  AuthUserChangePasswordResponse,
  AuthUserDeleteResponse,
  AuthUserGetResponse,
  AuthUserGrantRoleResponse,
  AuthUserListResponse,
  AuthUserRevokeRoleResponse,
  type MessageCodec,
  Permission_Type as PermissionType,
  SnapshotResponse,
} from "@quorate/proto";
import type { FakeSettings, FakeStream } from "./fake-world.js";
import type { GoldenCase } from "./golden-case.js";
import { header } from "./golden-member.js";

const bytes = (text: string) => new TextEncoder().encode(text);
const zeroByte = Uint8Array.of(0);
const none = new Uint8Array();
const permission = (permType: number, key: Uint8Array, rangeEnd: Uint8Array) => ({ permType, key, rangeEnd });
const permissions = [
  permission(PermissionType.READWRITE, bytes("abc"), bytes("abd")),
  permission(PermissionType.READ, bytes("foo"), none),
  permission(PermissionType.WRITE, bytes("k1"), bytes("k5")),
  permission(PermissionType.READ, Uint8Array.of(0x7a, 0xff), zeroByte),
];
const done =
  <T extends object>(codec: MessageCodec<T>) =>
  () =>
    codec.encode({ header } as Partial<T> & { header: typeof header });

const answers: NonNullable<FakeSettings["answers"]> = {
  "/etcdserverpb.Auth/AuthEnable": done(AuthEnableResponse),
  "/etcdserverpb.Auth/AuthDisable": done(AuthDisableResponse),
  "/etcdserverpb.Auth/AuthStatus": () => AuthStatusResponse.encode({ header, enabled: true, authRevision: 5n }),
  "/etcdserverpb.Auth/UserAdd": done(AuthUserAddResponse),
  "/etcdserverpb.Auth/UserDelete": done(AuthUserDeleteResponse),
  "/etcdserverpb.Auth/UserGet": () => AuthUserGetResponse.encode({ header, roles: ["r1", "root"] }),
  "/etcdserverpb.Auth/UserList": () => AuthUserListResponse.encode({ header, users: ["ann", "bö"] }),
  "/etcdserverpb.Auth/UserChangePassword": done(AuthUserChangePasswordResponse),
  "/etcdserverpb.Auth/UserGrantRole": done(AuthUserGrantRoleResponse),
  "/etcdserverpb.Auth/UserRevokeRole": done(AuthUserRevokeRoleResponse),
  "/etcdserverpb.Auth/RoleAdd": done(AuthRoleAddResponse),
  "/etcdserverpb.Auth/RoleDelete": done(AuthRoleDeleteResponse),
  "/etcdserverpb.Auth/RoleGet": () => AuthRoleGetResponse.encode({ header, perm: permissions }),
  "/etcdserverpb.Auth/RoleList": () => AuthRoleListResponse.encode({ header, roles: ["r1", "root"] }),
  "/etcdserverpb.Auth/RoleGrantPermission": done(AuthRoleGrantPermissionResponse),
  "/etcdserverpb.Auth/RoleRevokePermission": done(AuthRoleRevokePermissionResponse),
};

const database = new Uint8Array(1_024).fill(7);

/** Streams a small database and its digest. */
function streamSnapshot(stream: FakeStream, message: Uint8Array | undefined): void {
  if (message === undefined) return;
  const digest = createHash("sha256").update(database).digest();
  stream.answer(SnapshotResponse.encode({ header, blob: database, remainingBytes: 0n, version: "3.7.0" }));
  stream.answer(SnapshotResponse.encode({ blob: digest, remainingBytes: 0n, version: "3.7.0" }));
  stream.end();
}

const against = (...argv: string[]): GoldenCase => ({ argv, settings: { answers } });

/** Users, roles, and what is saved. */
export const authCases: Readonly<Record<string, GoldenCase>> = {
  "auth-disable": against("auth", "disable"),
  "auth-enable": against("auth", "enable"),
  "auth-status": against("auth", "status"),
  "role-add": against("role", "add", "r1"),
  "role-delete": against("role", "delete", "r1"),
  "role-get": against("role", "get", "r1"),
  "role-grant-permission": against("role", "grant-permission", "r1", "readwrite", "abc", "--prefix"),
  "role-list": against("role", "list"),
  "role-revoke-permission": against("role", "revoke-permission", "r1", "z", "--from-key"),
  "snapshot-save": { argv: ["snapshot", "save", "s.db"], settings: { onStream: streamSnapshot } },
  "user-add": against("user", "add", "ann:secret"),
  "user-delete": against("user", "delete", "ann"),
  "user-get": against("user", "get", "ann"),
  "user-get-detail": against("user", "get", "ann", "--detail"),
  "user-grant-role": against("user", "grant-role", "ann", "r1"),
  "user-list": against("user", "list"),
  "user-passwd": against("user", "passwd", "ann", "--interactive=false"),
  "user-revoke-role": against("user", "revoke-role", "ann", "r1"),
};
