import { Permission_Type } from "@quorate/proto";
import type { CallOptions } from "../call-options.js";
import type { Caller } from "../caller.js";
import { bytes, toBytes, type Bytes } from "../codec.js";
import { rpcs } from "../rpc.js";
import { Span, wireRange } from "../span.js";

/** What a role may do. */
export type Access = "read" | "write" | "readwrite";

/** One permission of a role. An empty range end: this key only; one zero byte: all keys from here on. */
export type RolePermission = { readonly access: Access; readonly key: Uint8Array; readonly rangeEnd: Uint8Array };

const accessTypes = {
  read: Permission_Type.READ,
  write: Permission_Type.WRITE,
  readwrite: Permission_Type.READWRITE,
} as const;
const accessNames: readonly Access[] = ["read", "write", "readwrite"];

/** Users, roles and what they may do. */
export class Auth {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** @throws ClientError "etcd/root-user-missing", "etcd/root-role-missing" */
  async enable(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.authEnable, {}, options);
  }

  /** @throws ClientError */
  async disable(options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.authDisable, {}, options);
  }

  /** @throws ClientError */
  async status(options: CallOptions = {}): Promise<{ readonly isEnabled: boolean; readonly revision: bigint }> {
    const answer = await this.#caller.call(rpcs.authStatus, {}, options);
    return { isEnabled: answer.enabled, revision: answer.authRevision };
  }

  /** @param password `undefined`: the user comes by certificate only. @throws ClientError "etcd/user-exists" */
  async addUser(name: string, password: string | undefined, options: CallOptions = {}): Promise<void> {
    const request = { name, password: password ?? "", options: { noPassword: password === undefined } };
    await this.#caller.call(rpcs.userAdd, request, options);
  }

  /** @returns the user's roles. @throws ClientError "etcd/user-not-found" */
  async user(name: string, options: CallOptions = {}): Promise<string[]> {
    return (await this.#caller.call(rpcs.userGet, { name }, options)).roles;
  }

  /** @throws ClientError */
  async users(options: CallOptions = {}): Promise<string[]> {
    return (await this.#caller.call(rpcs.userList, {}, options)).users;
  }

  /** @throws ClientError "etcd/user-not-found" */
  async deleteUser(name: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.userDelete, { name }, options);
  }

  /** @throws ClientError "etcd/user-not-found" */
  async changePassword(name: string, password: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.userChangePassword, { name, password }, options);
  }

  /** @throws ClientError */
  async grantRole(user: string, role: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.userGrantRole, { user, role }, options);
  }

  /** @throws ClientError */
  async revokeRole(user: string, role: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.userRevokeRole, { name: user, role }, options);
  }

  /** @throws ClientError "etcd/role-exists" */
  async addRole(name: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.roleAdd, { name }, options);
  }

  /** @throws ClientError "etcd/role-not-found" */
  async role(name: string, options: CallOptions = {}): Promise<RolePermission[]> {
    const answer = await this.#caller.call(rpcs.roleGet, { role: name }, options);
    return answer.perm.map(({ permType, key, rangeEnd }) => ({
      access: accessNames[permType] ?? "read",
      key: new Uint8Array(key),
      rangeEnd: new Uint8Array(rangeEnd),
    }));
  }

  /** @throws ClientError */
  async roles(options: CallOptions = {}): Promise<string[]> {
    return (await this.#caller.call(rpcs.roleList, {}, options)).roles;
  }

  /** @throws ClientError "etcd/role-not-found" */
  async deleteRole(name: string, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.roleDelete, { role: name }, options);
  }

  /** @throws ClientError */
  async grantPermission(
    role: string,
    access: Access,
    target: Bytes | Span<Bytes>,
    options: CallOptions = {},
  ): Promise<void> {
    const perm = { permType: accessTypes[access], ...permissionRange(target) };
    await this.#caller.call(rpcs.roleGrantPermission, { name: role, perm }, options);
  }

  /** @throws ClientError "etcd/permission-not-granted" */
  async revokePermission(role: string, target: Bytes | Span<Bytes>, options: CallOptions = {}): Promise<void> {
    await this.#caller.call(rpcs.roleRevokePermission, { role, ...permissionRange(target) }, options);
  }
}

function permissionRange(target: Bytes | Span<Bytes>) {
  return wireRange(target instanceof Span ? target : toBytes(target), { encode: toBytes, decode: bytes.decode });
}
