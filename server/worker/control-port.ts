import type { ChildProcess, Serializable } from 'node:child_process';
import type { EventEmitter } from 'node:events';
import type { z } from 'zod';

/**
 * One end of the control line between server and worker. Process messages where there is one machine; anything that
 * carries JSON both ways can stand behind it.
 */
export interface ControlPort<Out, In> {
  /** Never throws; what is sent on a closed line is lost, as the other end's death is reported by onClose. */
  send(message: Out): void;
  onMessage(listener: (message: In) => void): void;
  /** Called once, also when the line was closed before the call. */
  onClose(listener: () => void): void;
}

export interface ProcessPortOptions<In> {
  /** The child (the server's end), or this process (the worker's end). */
  endpoint: ChildProcess | NodeJS.Process;
  /** What the other end may say. */
  schema: z.ZodType<In>;
  /** A message that does not fit the schema is dropped and told here: the two ends differ in version. */
  onInvalid?: (problem: string) => void;
}

/** A control port over Node's process messages. */
export function openProcessPort<Out, In>(options: ProcessPortOptions<In>): ControlPort<Out, In> {
  const { endpoint, schema } = options;
  const events: EventEmitter = endpoint;
  return {
    send(message) {
      if (!endpoint.connected) return;
      // The callback keeps a pipe that breaks meanwhile from becoming an 'error' event.
      endpoint.send?.(message as Serializable, undefined, undefined, () => {});
    },
    onMessage(listener) {
      events.on('message', (raw: unknown) => {
        const parsed = schema.safeParse(raw);
        if (parsed.success) listener(parsed.data);
        else
          options.onInvalid?.(parsed.error.issues.map((i) => `${i.path.join('.')}: ${i.message}`).join('; '));
      });
    },
    onClose(listener) {
      if (!endpoint.connected) queueMicrotask(listener);
      else events.on('disconnect', listener);
    },
  };
}
