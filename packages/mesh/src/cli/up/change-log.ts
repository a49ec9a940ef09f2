import type { SupervisorEvent } from '#local/events.ts';
import { type Output, paint, printable } from '../terminal.ts';
import { type ProgressModel, progressAfter, progressLine } from './progress-model.ts';

/** What a mesh in the foreground tells while it runs: a line with the time for each thing that changed. */
export class ChangeLog {
  #model: ProgressModel;
  readonly #output: Output;
  readonly #now: () => Date;

  constructor(model: ProgressModel, output: Output, now: () => Date = () => new Date()) {
    this.#model = model;
    this.#output = output;
    this.#now = now;
  }

  handle(event: SupervisorEvent): void {
    const text = lineOf(this.#model, event, this.#output);
    this.#model = progressAfter(this.#model, event);
    if (text === '') return;
    const time = paint(this.#output, 'dim', clock(this.#now()));
    this.#output.write(text.replaceAll(/^(?=.)/gm, `${time}  `));
  }
}

function lineOf(model: ProgressModel, event: SupervisorEvent, output: Output): string {
  if (event.type === 'ready') return 'everything is ready\n';
  if (event.type !== 'fatal') return progressLine(model, event, output);
  const { code, message, remedy } = event.error;
  return `${paint(output, 'red', 'error')} ${code}: ${printable(message)}${remedy === '' ? '' : ` ${remedy}`}\n`;
}

/** `09:05:00`, in local time: it is read by whoever sits in front of it. */
function clock(date: Date): string {
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, '0')).join(':');
}
