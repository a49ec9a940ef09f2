import type { DescMessage, MessageInitShape } from '@bufbuild/protobuf';

/** The fields that a message can be made of, without the finished message itself: only fields can be spread. */
export type Init<Desc extends DescMessage> = Extract<MessageInitShape<Desc>, { readonly $typeName?: never }>;
