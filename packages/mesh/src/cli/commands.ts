import { analyze } from './analyze.ts';
import { apply } from './apply.ts';
import type { Command } from './command.ts';
import { create } from './create.ts';
import { deleteCommand } from './delete.ts';
import { down } from './down.ts';
import { explain } from './explain.ts';
import { get } from './get.ts';
import { logs } from './logs.ts';
import { pilot } from './pilot.ts';
import { proxyConfig } from './proxy-config.ts';
import { status } from './status.ts';
import { up } from './up.ts';
import { validate } from './validate.ts';
import { versionCommand } from './version.ts';
import { wait } from './wait.ts';

/** All commands, in the order of the help. What they need beyond their data is loaded when they run. */
export const commands: readonly Command[] = [
  up,
  down,
  status,
  logs,
  get,
  explain,
  proxyConfig,
  apply,
  create,
  deleteCommand,
  wait,
  validate,
  analyze,
  pilot,
  versionCommand,
];
