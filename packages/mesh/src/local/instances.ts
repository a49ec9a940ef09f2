import { instanceKey } from '@lateen/api/workload-instance.ts';
import type { InstanceReport } from '#pilot/registry/processes/link.ts';

/**
 * What the control plane is told about the instances. Changes of one turn of the event loop go out as one message, and a
 * change that makes no difference goes out not at all.
 */
export class Instances {
  readonly #reports = new Map<string, InstanceReport>();
  readonly #send: (reports: readonly InstanceReport[]) => number;
  #scheduled: NodeJS.Immediate | undefined;
  #lastText = '[]';
  #lastSeq = 0;

  /** `send` gives the number of the message, as `ControlPlane.report` does. */
  constructor(send: (reports: readonly InstanceReport[]) => number) {
    this.#send = send;
  }

  set(report: InstanceReport): void {
    this.#reports.set(instanceKey(report.instance), report);
    this.#schedule();
  }

  delete(key: string): void {
    if (this.#reports.delete(key)) this.#schedule();
  }

  /** Sorted by name. */
  all(): InstanceReport[] {
    return [...this.#reports.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, report]) => report);
  }

  /** Sends now what is not sent yet. Gives the number of the message that holds the present state. */
  flush(): number {
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    const reports = this.all();
    const text = JSON.stringify(reports);
    if (text !== this.#lastText) {
      this.#lastText = text;
      this.#lastSeq = this.#send(reports);
    }
    return this.#lastSeq;
  }

  #schedule(): void {
    this.#scheduled ??= setImmediate(() => this.flush());
  }
}
