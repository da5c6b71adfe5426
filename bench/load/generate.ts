/** Runs a generator as a process of its own, which shares neither event loop nor collector with whoever looks at it. */
import { fork } from 'node:child_process';
import path from 'node:path';
import { CodedError } from '../../src/errors.ts';
import type { FromGenerator, FromParent, Order } from './generator.ts';

type Said<Type extends FromGenerator['type']> = Extract<FromGenerator, { type: Type }>;

export interface GenerateHooks {
  onSigned(count: number, of: number): void;
  /** @param reopen says that the bank at this place of the plan is back. */
  onSecond(second: Said<'second'>, reopen: (bank: number) => void): Promise<void>;
}

/** @throws CodedError `GENERATOR_FAILED` where the process ends before it has reported; whatever a hook throws. */
export async function generate(order: Order, { onSigned, onSecond }: GenerateHooks): Promise<Said<'done'>> {
  const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
  const child = fork(path.join(import.meta.dirname, 'generator.ts'), { stdio: [...stdio] });
  const tell = (message: FromParent) => child.send(message);
  const reopen = (bank: number) => tell({ type: 'reopen', bank });
  try {
    return await new Promise<Said<'done'>>((resolve, reject) => {
      child.once('exit', (code, signal) => {
        reject(new CodedError('GENERATOR_FAILED', `the generator of the load ended early (${signal ?? code})`));
      });
      child.on('message', (message: FromGenerator) => {
        switch (message.type) {
          case 'signed':
            return onSigned(message.count, message.of);
          case 'prepared':
            return void tell({ type: 'begin' });
          case 'second':
            return void onSecond(message, reopen).catch(reject);
          case 'done':
            return resolve(message);
        }
      });
      tell({ type: 'prepare', ...order });
    });
  } finally {
    if (child.exitCode === null && child.signalCode === null) child.kill();
  }
}
