/** SIGKILL. Throws where there is no process: to kill(2), the number 0 would mean the group of the test itself. */
export function killNow(pid: number | null | undefined): void {
  if (!pid) throw new Error('there is no process to kill');
  process.kill(pid, 'SIGKILL');
}
