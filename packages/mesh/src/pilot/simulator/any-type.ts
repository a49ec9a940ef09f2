import type { Any } from '@bufbuild/protobuf/wkt';

/** The type of what is packed: the last part of its URL. Empty for nothing. */
export function typeName(any: Any | undefined): string {
  return any === undefined ? '' : any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1);
}
