// What a supervised process tells the one who started it: progress for people, restarts for counters.

export interface LocalEvent {
  /** `kafka`, `clickhouse`, or the name given to `supervise`. */
  service: string;
  kind: 'preparing' | 'starting' | 'ready' | 'exited' | 'refused' | 'restarting' | 'stopped';
  /** One line for people; with `refused`, the last that the child logged. */
  detail?: string;
  pid?: number;
  /** With `restarting`: how long until the next start. */
  waitMs?: number;
}

export type OnEvent = (event: LocalEvent) => void;
