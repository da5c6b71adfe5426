/** `tonle scenario new`: a small story to begin with. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CodedError } from '../../errors.ts';
import type { CliContext } from '../context.ts';

/** The schema that editors complete by; it stands three folders up in the source and in `dist` alike. */
const SCHEMA = fileURLToPath(new URL('../../../scenarios/tonle-scenario.schema.json', import.meta.url));

/** @throws CodedError `FILE_EXISTS`, `FILE_UNUSABLE`. */
export async function newCommand({ out }: CliContext, file: string): Promise<void> {
  if (!/\.ya?ml$/.test(file)) throw new CodedError('USAGE', `${file} is no name of a story in YAML; end it in .yaml`);
  try {
    await writeFile(file, startingStory(path.relative(path.dirname(path.resolve(file)), SCHEMA)), { flag: 'wx' });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code === 'EEXIST') throw new CodedError('FILE_EXISTS', `${file} exists already; nothing is overwritten`);
    throw new CodedError('FILE_UNUSABLE', `${file} cannot be written (${code})`, { cause });
  }
  out.print(`Wrote ${file}; play it with \`tonle scenario run ${file}\``, { file });
}

function startingStory(schema: string): string {
  return `# yaml-language-server: $schema=${schema.split(path.sep).join('/')}
#
# Why: what this story shows, for who reads it next year.
story: A first story
about: Two friends at two banks share a lunch.

# Four banks are there without a word: nbc (the central bank), aclb, cnb and wing.
people:
  dara: { bank: aclb, phone: 012 000 001, has: 100000 KHR }
  sok: { bank: cnb, phone: 012 000 002, has: 20.00 USD }

steps:
  - say: Dara pays for lunch, to Sok's phone number.
  - at: "12:15"
    pay: { from: dara, to: 012 000 002, amount: 8000 KHR, memo: Lunch }
    as: lunch

  # What must hold now. What does not is shown with what led to it.
  - expect:
      balance: { dara: 92000 KHR, sok: [8000 KHR, 20.00 USD] }
      finality: { of: lunch, max: below 5 s }

  # A step that is to be refused says with which code.
  - pay: { from: sok, to: dara, amount: 900000 KHR }
    expect: refused INSUFFICIENT_FUNDS

  - say: Sok's bank stops without a warning, and the others pay on. It comes back, and has the same books.
  - crash: cnb
  - pay: { from: dara, to: sok, amount: 2000 KHR, memo: Coffee, via: aclb }
  - restart: cnb
  - expect: { balance: { sok: 10000 KHR }, roots: equal, money: conserved }
`;
}
