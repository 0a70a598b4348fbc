/** "range_end" to "rangeEnd", "member_ID" to "memberID": an underscore goes and the next letter is made a capital. */
export function camelCase(name) {
  return name.replace(/_(.)/g, (_, letter) => letter.toUpperCase());
}

/** Name inside the package's generated file: "etcdserverpb.RangeRequest.SortOrder" to "RangeRequest_SortOrder". */
export function localName(fullName, packageName) {
  return fullName.slice(packageName.length + 1).replaceAll(".", "_");
}

/** Name of the generated file, without ".ts". */
export function fileOf(packageName) {
  return packageName.replaceAll(".", "-");
}

/** Name under which a package's file is imported as a whole. */
export function importName(packageName) {
  return packageName.replaceAll(".", "_");
}

/** "lower case first": oneof members and functions keep odd capitals behind the first letter. */
export function capitalized(name) {
  return name[0].toUpperCase() + name.slice(1);
}
