import { join } from 'node:path';
import { readPrivateFile, writePrivateFile } from './private-files.ts';

type PortsByGateway = Readonly<Record<string, Readonly<Record<string, number>>>>;

/**
 * On which ports of this machine gateways were found, so that they are found there again the next time: several want the
 * same one, and who comes first is not always the same.
 */
export class GatewayPortMemory {
  readonly #path: string;
  readonly #onProblem: (error: unknown) => void;
  #byGateway: PortsByGateway;

  /** @param onProblem the file cannot be read or written; everything works without it */
  constructor(stateDir: string, onProblem: (error: unknown) => void) {
    this.#path = join(stateDir, 'gateway-ports.json');
    this.#onProblem = onProblem;
    this.#byGateway = this.#read();
  }

  of(gateway: string, port: number): number | undefined {
    return this.#byGateway[gateway]?.[port];
  }

  /** Whether another gateway had it. */
  isOfAnother(gateway: string, hostPort: number): boolean {
    return Object.entries(this.#byGateway).some(
      ([name, ports]) => name !== gateway && Object.values(ports).includes(hostPort),
    );
  }

  remember(gateway: string, port: number, hostPort: number): void {
    if (this.of(gateway, port) === hostPort) return;
    this.#write({ ...this.#byGateway, [gateway]: { ...this.#byGateway[gateway], [port]: hostPort } });
  }

  /** Forgets all gateways but these. */
  keepOnly(gateways: ReadonlySet<string>): void {
    const kept = Object.entries(this.#byGateway).filter(([name]) => gateways.has(name));
    if (kept.length < Object.keys(this.#byGateway).length) this.#write(Object.fromEntries(kept));
  }

  #read(): PortsByGateway {
    try {
      const found: unknown = JSON.parse(readPrivateFile(this.#path) ?? '{}');
      return isPortsByGateway(found) ? found : {};
    } catch (error) {
      // Half a file is as good as none.
      if (!(error instanceof SyntaxError)) this.#onProblem(error);
      return {};
    }
  }

  #write(byGateway: PortsByGateway): void {
    this.#byGateway = byGateway;
    try {
      writePrivateFile(this.#path, `${JSON.stringify(byGateway)}\n`);
    } catch (error) {
      this.#onProblem(error);
    }
  }
}

function isPortsByGateway(value: unknown): value is PortsByGateway {
  return isRecord(value) && Object.values(value).every((each) => isRecord(each) && Object.values(each).every(isPort));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536;
}
