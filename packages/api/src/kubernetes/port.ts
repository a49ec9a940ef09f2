import * as v from '../schema/values.ts';

const OTHER_PROTOCOLS = 'other protocols than TCP and UDP';

/** Of the ports of containers and Services. */
export const transportProtocol = v.oneOf(['TCP', 'UDP', 'SCTP'], { SCTP: OTHER_PROTOCOLS });
