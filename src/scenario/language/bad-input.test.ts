/** Everything an author can get wrong, each with the code, the place and the sentence that it is answered with. */
import t from 'tap';
import { readStory } from './compile.ts';
import { PROBLEM_CODES, showProblem } from './problem.ts';
import { filesOf } from './sample.suite.ts';

type Row = readonly [text: string, wanted: string | readonly string[]];

/** Seven lines, before the steps of a row. */
const HEAD = `story: S
people:
  dara: { bank: aclb, phone: 012 000 001, has: 100000 KHR }
  sok: { bank: cnb }
crowds:
  shoppers: { count: 3 }
steps:
`;
/** A file that rows include. */
const PART = 'people:\n  dara: { bank: wing }\n';

const WRONG_STEPS: readonly Row[] = [
  [
    `- pay: { from: dara, to: sok, amount: 5 KHR }\n  as: lunch\n- say: "\${lunch.constructor}"`,
    'SCENARIO_OUTPUT story.yaml:10:10: the step `lunch` has no output `constructor`; known are `id`, `status`, `code`, `height`, `index`, `finalityMs`, `amount`, `ending`',
  ],
  [
    '- __proto__: { from: dara }',
    'SCENARIO_KEY_UNKNOWN story.yaml:8:5: `__proto__` is nothing a step can do; expected a word such as `pay`, `expect` or `say`',
  ],
  [
    '- hello',
    'SCENARIO_SHAPE story.yaml:8:5: a step is `hello`; expected a mapping such as `pay: { from: dara, to: sok, amount: 5000 KHR }`',
  ],
  [
    '- { note: Hm }',
    'SCENARIO_STEP story.yaml:8:5: this step does nothing; expected a word such as `pay`, `expect` or `say`',
  ],
  [
    '- { say: a, wait: 1 s }',
    'SCENARIO_STEP story.yaml:8:15: a step does one thing, and this one does both `say` and `wait`; expected two steps',
  ],
  [
    '- pya: { from: dara, to: sok, amount: 5 KHR }',
    'SCENARIO_KEY_UNKNOWN story.yaml:8:5: `pya` is nothing a step can do; did you mean `pay`?',
  ],
  [
    '- pay: { from: dara, to: sok, ammount: 5 KHR }',
    'SCENARIO_KEY_UNKNOWN story.yaml:8:33: `ammount` is no word of `pay`; did you mean `amount`?',
  ],
  [
    '- { say: a, notes: b }',
    'SCENARIO_KEY_UNKNOWN story.yaml:8:15: `notes` is no word of this step; did you mean `note`?',
  ],
  [
    '- { say: a, expect: final }',
    'SCENARIO_KEY_UNKNOWN story.yaml:8:15: `expect` is no word of this step; it knows `at`, `note`, `as`, `say`',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5 KHR }\n  expect: refuse X',
    'SCENARIO_SHAPE story.yaml:9:13: `expect` is `refuse X`; expected an ending such as `final` or `refused ALIAS_NOT_FOUND`',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5 KHR }\n  expect: { money: conserved }',
    'SCENARIO_SHAPE story.yaml:9:13: `expect` is a mapping; expected an ending such as `final` or `refused ALIAS_NOT_FOUND`',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5 KHR }\n  expect: refused ALIAS_NOTFOUND',
    'SCENARIO_NAME_UNKNOWN story.yaml:9:13: `ALIAS_NOTFOUND` is no code of a refusal; did you mean `ALIAS_NOT_FOUND`?',
  ],
  [
    '- pay: { from: dara, to: sokk, amount: 5 KHR }',
    'SCENARIO_NAME_UNKNOWN story.yaml:8:28: nobody in the story is called `sokk`; did you mean `sok`?',
  ],
  [
    '- pay: { from: dara, to: shoppers, amount: 5 KHR }',
    'SCENARIO_NAME_UNKNOWN story.yaml:8:28: `shoppers` is a crowd; expected one of them, like `shoppers-001`',
  ],
  [
    '- pay: { from: aclb, to: sok, amount: 5 KHR }',
    "SCENARIO_NAME_UNKNOWN story.yaml:8:18: `aclb` is a bank; expected a person, or `bank aclb` for the bank's own account",
  ],
  ['- crash: aclbb', 'SCENARIO_NAME_UNKNOWN story.yaml:8:12: `aclbb` is no bank of the network; did you mean `aclb`?'],
  [
    '- payments: { from: shopers, to: dara, count: 3, over: 1 h, amount: 5 KHR }',
    'SCENARIO_NAME_UNKNOWN story.yaml:8:23: `shopers` is no crowd and nobody in the story; did you mean `shoppers`?',
  ],
  ['- crash: [aclb, aclb]', 'SCENARIO_NAME_TAKEN story.yaml:8:19: `aclb` is listed twice; expected each once'],
  [
    '- pay: { from: dara, to: sok, amount: "5,000 KHR" }',
    'SCENARIO_AMOUNT story.yaml:8:41: `amount` is `5,000 KHR`; expected an amount such as `5000 KHR` or `1.50 USD`; write it without separators: `5000 KHR`',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5000 }',
    'SCENARIO_AMOUNT story.yaml:8:41: `amount` is `5000`; expected an amount such as `5000 KHR` or `1.50 USD`; the currency is missing',
  ],
  [
    '- pay: { from: dara, to: sok, amount: "5000" }',
    'SCENARIO_AMOUNT story.yaml:8:41: `amount` is `5000`; expected an amount such as `5000 KHR` or `1.50 USD`; the currency is missing',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5000KHR }',
    'SCENARIO_AMOUNT story.yaml:8:41: `amount` is `5000KHR`; expected an amount such as `5000 KHR` or `1.50 USD`; write it like `5000 KHR`',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5.5 KHR }',
    'SCENARIO_AMOUNT story.yaml:8:41: amount "5.5": KHR has no decimal places',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5 KHD }',
    'SCENARIO_AMOUNT story.yaml:8:41: `5 KHD`: the network has no currency `KHD`; did you mean `KHR`?',
  ],
  [
    '- pay: { from: dara, to: sok, amount: -5 KHR }',
    'SCENARIO_AMOUNT story.yaml:8:41: `amount` is `-5 KHR`; expected an amount such as `5000 KHR` or `1.50 USD`',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 99999999999999999999 KHR }',
    'SCENARIO_AMOUNT story.yaml:8:41: amount "99999999999999999999": more than can be counted',
  ],
  [
    '- wait: 10 sec',
    'SCENARIO_DURATION story.yaml:8:11: `wait` is `10 sec`; expected a duration such as `500 ms` or `10 s`',
  ],
  [
    '- wait: 10s',
    'SCENARIO_DURATION story.yaml:8:11: `wait` is `10s`; expected a duration such as `500 ms` or `10 s`; write it like `10 s`',
  ],
  ['- wait: 40000 days', 'SCENARIO_DURATION story.yaml:8:11: `40000 days` is longer than a century'],
  ['- wait: 0.5 ms', 'SCENARIO_DURATION story.yaml:8:11: `0.5 ms` is no whole number of milliseconds'],
  ['- at: "25:00"\n  say: a', 'SCENARIO_TIME story.yaml:8:9: `25:00` is no time of day; expected 00:00 to 23:59'],
  [
    '- at: 9:30\n  say: a',
    'SCENARIO_TIME story.yaml:8:9: `at` is `9:30`; expected a time of day such as `09:30` or `09:30:15`',
  ],
  [
    '- at: "05:59"\n  say: a',
    'SCENARIO_TIME story.yaml:8:9: `05:59` is over: this step cannot begin before 06:00; the next day is `day 2 05:59`',
  ],
  [
    '- at: "10:00"\n  say: a\n- at: "09:00"\n  say: b',
    'SCENARIO_TIME story.yaml:10:9: `09:00` is over: this step cannot begin before 10:00; the next day is `day 2 09:00`',
  ],
  [
    '- wait: 5 h\n- at: "09:00"\n  say: b',
    'SCENARIO_TIME story.yaml:9:9: `09:00` is over: this step cannot begin before 11:00; the next day is `day 2 09:00`',
  ],
  [
    '- pay: { from: dara, to: 012 34, amount: 5 KHR }',
    'SCENARIO_PHONE story.yaml:8:28: `012 34` is no phone number that can be called; expected one like `012 345 678` or `+855 12 345 678`',
  ],
  [
    '- bind: { person: dara, phone: 117 }',
    'SCENARIO_SHAPE story.yaml:8:34: `phone` is `117`; expected a phone number such as `012 345 678`; digits that are a text stand in quotes',
  ],
  [`- say: Hello \${gest}`, `SCENARIO_VARIABLE story.yaml:8:10: \`\${gest}\` stands for nothing here`],
  [
    `- say: Hello \${gest`,
    `SCENARIO_VARIABLE story.yaml:8:10: \`Hello \${gest\` opens \`\${\` and does not close it; expected \`\${name}\``,
  ],
  [
    `- pay: { from: dara, to: sok, amount: 5 KHR }\n  as: lunch\n- say: "\${lunhc.amount}"`,
    'SCENARIO_OUTPUT story.yaml:10:10: no earlier step is called `lunhc`; did you mean `lunch`?',
  ],
  [
    `- pay: { from: dara, to: sok, amount: 5 KHR }\n  as: lunch\n- say: "\${lunch.amont}"`,
    'SCENARIO_OUTPUT story.yaml:10:10: the step `lunch` has no output `amont`; did you mean `amount`?',
  ],
  [
    `- say: "\${lunch.amount}"\n- pay: { from: dara, to: sok, amount: 5 KHR }\n  as: lunch`,
    'SCENARIO_OUTPUT story.yaml:8:10: no earlier step is called `lunch`',
  ],
  [
    `- pay: { from: dara, to: sok, amount: 5 KHR }\n  as: lunch\n- pay: { from: dara, to: sok, amount: "\${lunch.height}" }`,
    `SCENARIO_OUTPUT story.yaml:10:41: \`\${lunch.height}\` is a number; expected an amount`,
  ],
  [
    `- pay: { from: dara, to: sok, amount: 5 KHR }\n  as: lunch\n- open: "\${lunch.id}"`,
    `SCENARIO_SHAPE story.yaml:10:11: \`open\` is \`\${lunch.id}\`; expected a name such as \`dara\` or \`aclb\``,
  ],
  [
    `- together:\n  - { pay: { from: dara, to: sok, amount: 5 KHR }, as: a }\n  - say: "\${a.id}"`,
    'SCENARIO_OUTPUT story.yaml:10:12: no earlier step is called `a`',
  ],
  [
    '- { say: a, as: x }\n- { say: b, as: x }',
    `SCENARIO_NAME_TAKEN story.yaml:9:19: the step at story.yaml:8 is called \`x\` already; in a loop, use its variable: \`x-\${i}\``,
  ],
  [
    `- { remember: all, as: noon }\n- say: "\${noon.dara.EUR}"`,
    'SCENARIO_OUTPUT story.yaml:9:10: `noon` remembers no `dara.EUR`; expected an account and a currency, like `dara.KHR`',
  ],
  [
    '- expect: { balanc: { dara: 5 KHR } }',
    'SCENARIO_KEY_UNKNOWN story.yaml:8:15: `balanc` is no word of `expect`; did you mean `balance`?',
  ],
  [
    '- expect: {}',
    'SCENARIO_SHAPE story.yaml:8:13: `expect` is an empty mapping; expected a mapping of expectations, not empty',
  ],
  [
    '- expect: { balance: { dara: over 5 KHR } }',
    'SCENARIO_AMOUNT story.yaml:8:32: `dara` is `over 5 KHR`; expected an amount such as `5000 KHR` or `at least 5000 KHR`',
  ],
  [
    '- expect: { change: { since: noon, dara: +5 KHR } }',
    'SCENARIO_OUTPUT story.yaml:8:32: no earlier step is called `noon`',
  ],
  [
    '- expect: { payments: { of: rush, final: all } }',
    'SCENARIO_OUTPUT story.yaml:8:31: no earlier step is called `rush`',
  ],
  [
    '- { pay: { from: dara, to: sok, amount: 5 KHR }, as: a }\n- expect: { finality: { of: a, p99: 2 s } }',
    'SCENARIO_DURATION story.yaml:9:39: `p99` is `2 s`; expected a bound such as `below 2 s`',
  ],
  [
    '- byzantine: { bank: wing, as: equivocater }',
    'SCENARIO_NAME_UNKNOWN story.yaml:8:34: `equivocater` is no kind of liar; did you mean `equivocator`?',
  ],
  [
    '- partition: [[nbc, aclb], [aclb, wing]]',
    'SCENARIO_NAME_TAKEN story.yaml:8:16: `aclb` is in two groups; expected each bank in one',
  ],
  [
    '- pay: { from: dara, to: sok, by: phone, amount: 5 KHR }',
    'SCENARIO_PHONE story.yaml:8:28: `sok` has no phone number; expected somebody who has one, or no `by: phone`',
  ],
  [
    '- bulk: { from: dara, to: shoppers }',
    'SCENARIO_SHAPE story.yaml:8:11: `bulk` takes either `to` with `amount`, or `each`; expected one of the two',
  ],
  [
    '- pay: { from: dara, to: sok, amount: 5 KHR, memo: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx }',
    'SCENARIO_LIMIT story.yaml:8:54: the memo has 65 bytes; at most 64 are expected',
  ],
  [
    '- payments: { from: shoppers, to: dara, count: 4, each: once, over: 1 h, amount: 5 KHR }',
    'SCENARIO_SHAPE story.yaml:8:50: 4 payments, but only 3 who pay once; expected at most as many',
  ],
  [
    '- payments: { from: shoppers, to: dara, count: 4, over: 1 h, amount: { about: 5 KHR, spred: 1 } }',
    'SCENARIO_KEY_UNKNOWN story.yaml:8:88: `spred` is no word of `amount`; did you mean `spread`?',
  ],
  [
    '- payments: { from: shoppers, to: dara, count: 4, over: 1 h, amount: { from: 9 KHR, to: 5 KHR } }',
    'SCENARIO_AMOUNT story.yaml:8:91: the most is less than the least, or of another currency',
  ],
  [
    '- repeat: { times: 0, steps: [{ say: a }] }',
    'SCENARIO_SHAPE story.yaml:8:22: `times` is `0`; expected a whole number from 1 to 10000',
  ],
  [
    '- for: { each: buyers, as: b, steps: [{ say: a }] }',
    'SCENARIO_NAME_UNKNOWN story.yaml:8:18: `buyers` is no crowd; known are `banks`, `shoppers`',
  ],
  [
    '- for: { each: shoppers, first: 4, as: b, steps: [{ say: a }] }',
    'SCENARIO_SHAPE story.yaml:8:35: the loop reaches beyond the 3 that there are',
  ],
  ['- { title: a, run: 5 }', 'SCENARIO_SHAPE story.yaml:8:22: `run` is for stories in TypeScript; expected a function'],
  [
    '- include: part.yaml',
    [
      'SCENARIO_KEY_MISSING part.yaml:1:1: a file of steps lacks `steps`; expected a list of steps',
      'SCENARIO_KEY_UNKNOWN part.yaml:1:1: `people` is no word of a file of steps; it knows `story`, `about`, `steps`',
    ],
  ],
];

const WRONG_DOCUMENTS: readonly Row[] = [
  ['', 'SCENARIO_SHAPE story.yaml:1:1: this is no story; expected a mapping with `story` and `steps`'],
  ['- a', 'SCENARIO_SHAPE story.yaml:1:1: this is no story; expected a mapping with `story` and `steps`'],
  ['story: S\n', 'SCENARIO_KEY_MISSING story.yaml:1:1: the story lacks `steps`; expected a list of steps'],
  ['story: S\nsteps: 5\n', 'SCENARIO_SHAPE story.yaml:2:8: `steps` is `5`; expected a list of steps'],
  ['story: S\nsteps: []\n', 'SCENARIO_SHAPE story.yaml:2:8: `steps` is an empty list; expected a list of steps'],
  [
    'story: S\npeoples: {}\nsteps:\n  - say: Hello\n',
    'SCENARIO_KEY_UNKNOWN story.yaml:2:1: `peoples` is no word of the story; did you mean `people`?',
  ],
  [
    'story: [a\nsteps: 3',
    'SCENARIO_YAML story.yaml:2:1: not YAML: flow sequence in block collection must be sufficiently indented and end with a ]',
  ],
  [
    'story: S\nabout: a\nabout: b\nsteps:\n  - say: Hello\n',
    'SCENARIO_YAML story.yaml:3:1: not YAML: map keys must be unique',
  ],
  [
    'story: S\nabout: &x a\nsteps:\n  - say: Hello\n',
    'SCENARIO_YAML story.yaml:2:11: anchors and tags are no part of the language; expected a variable, a loop or an include',
  ],
  [
    'story: S\nvariables: { a: &x 1, b: *x }\nsteps:\n  - say: Hello\n',
    'SCENARIO_YAML story.yaml:2:20: anchors and tags are no part of the language; expected a variable, a loop or an include',
  ],
  [
    'story: S\nabout: !!binary aa\nsteps:\n  - say: Hello\n',
    'SCENARIO_YAML story.yaml:2:8: not YAML: unresolved tag: tag:yaml.org,2002:binary',
  ],
  ['story: a\n---\nstory: b\n', 'SCENARIO_YAML story.yaml:2:1: a second document begins here; expected one a file'],
  [
    'story: S\npeople: { dara: { bank: aclb, has: 0 KHR } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_AMOUNT story.yaml:2:36: `0 KHR` cannot be paid in; expected more than zero, and at most what one command can carry',
  ],
  [
    'story: S\nnetwork: { begins: 2026-02-30 06:00 }\nsteps:\n  - say: Hello\n',
    'SCENARIO_TIME story.yaml:2:20: `2026-02-30` is no date from 1970 on',
  ],
  [
    'story: S\nnetwork: { begins: tomorrow }\nsteps:\n  - say: Hello\n',
    'SCENARIO_TIME story.yaml:2:20: `begins` is `tomorrow`; expected a date and a time such as `2026-04-14 06:00`',
  ],
  [
    'story: S\npeople: { dara: { bank: aclb, phone: 012000001 } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_SHAPE story.yaml:2:38: `phone` is `12000001`; expected a phone number such as `012 345 678`; digits that are a text stand in quotes',
  ],
  [
    'story: S\npeople: { dara: { bank: aclb, phone: 012 000 001 }, sok: { bank: cnb, phone: +855 12 000 001 } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_TAKEN story.yaml:2:78: the number is that of `dara` already; expected another one',
  ],
  [
    'story: S\npeople: { dara: { bank: acbl } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_UNKNOWN story.yaml:2:25: `acbl` is no bank of the network; did you mean `aclb`?',
  ],
  [
    'story: S\npeople: { Dara: { bank: aclb } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_MALFORMED story.yaml:2:11: `Dara` cannot name a person: expected name@participant in lower case, like dara@aclb',
  ],
  [
    'story: S\npeople: { nobody: { bank: aclb } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_MALFORMED story.yaml:2:11: `nobody` is a word of the language; expected another name',
  ],
  [
    'story: S\npeople: { settlement: { bank: aclb } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_MALFORMED story.yaml:2:11: `settlement` is a word of the language; expected another name',
  ],
  [
    'story: S\npeople: { aclb: { bank: aclb } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_TAKEN story.yaml:2:11: `aclb` is the name of a bank already; expected another one',
  ],
  [
    'story: S\npeople: { a: { bank: aclb } }\ncrowds: { a: { count: 1 } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_TAKEN story.yaml:3:11: `a` is the name of a person already; expected another one',
  ],
  [
    'story: S\npeople: { dara: { bank: aclb, tier: ful } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_UNKNOWN story.yaml:2:37: `ful` is no tier of the network; did you mean `full`?',
  ],
  [
    'story: S\nnetwork: { banks: {} }\nsteps:\n  - say: Hello\n',
    'SCENARIO_SHAPE story.yaml:2:19: `banks` is an empty mapping; expected ids and names, not empty',
  ],
  [
    'story: S\nnetwork: { banks: [A] }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_MALFORMED story.yaml:2:20: `A` is no id of a bank; expected 2 to 12 of a-z and 0-9, a letter first',
  ],
  [
    'story: S\nnetwork: { centralBank: nbd }\nsteps:\n  - say: Hello\n',
    'SCENARIO_NAME_UNKNOWN story.yaml:2:25: `nbd` is no bank of the network; did you mean `nbc`?',
  ],
  [
    'story: S\nnetwork: { tiers: { basic: { EUR: 5 } } }\nsteps:\n  - say: Hello\n',
    'SCENARIO_AMOUNT story.yaml:2:30: the network has no currency `EUR`; known are `KHR`, `USD`',
  ],
  [
    'story: S\nnetwork: { seed: -1 }\nsteps:\n  - say: Hello\n',
    'SCENARIO_SHAPE story.yaml:2:18: `seed` is `-1`; expected a whole number from 0 to 4294967295',
  ],
  [
    'story: S\nnetwork: { signatures: none }\nsteps:\n  - say: Hello\n',
    'SCENARIO_SHAPE story.yaml:2:24: `signatures` is `none`; expected `real` or `stub`',
  ],
  [
    `variables: { guest: 1 }\n${HEAD}  - say: Hello \${gest}\n`,
    `SCENARIO_VARIABLE story.yaml:9:10: \`\${gest}\` stands for nothing here; did you mean \`guest\`?`,
  ],
  [
    `variables: { n: many }\n${HEAD}  - payments: { from: shoppers, to: dara, count: "\${n}", over: 1 h, amount: 5 KHR }\n`,
    'SCENARIO_SHAPE story.yaml:9:50: `count` is `many`; expected a whole number from 1 to 1000000',
  ],
  [
    `variables: { a: "\${b}" }\n${HEAD}  - say: x\n`,
    'SCENARIO_VARIABLE story.yaml:1:14: a variable stands for plain text or a number; it cannot mention another one',
  ],
  [
    `variables: { b: 1 }\n${HEAD}  - for: { each: shoppers, as: b, steps: [{ say: a }] }\n`,
    'SCENARIO_NAME_TAKEN story.yaml:9:32: the variable `b` is defined already; expected another name',
  ],
  [`include: gone.yaml\n${HEAD}  - say: a\n`, 'SCENARIO_FILE story.yaml:1:10: cannot read `gone.yaml`: no such file'],
  [
    `include: story.yaml\n${HEAD}  - say: a\n`,
    'SCENARIO_INCLUDE story.yaml:1:10: `story.yaml` leads back to itself: story.yaml > story.yaml',
  ],
  [
    `include: /etc/x.yaml\n${HEAD}  - say: a\n`,
    'SCENARIO_INCLUDE story.yaml:1:10: `/etc/x.yaml` is an absolute path; expected one beside this file',
  ],
  [
    `include: "\${x}.yaml"\n${HEAD}  - say: a\n`,
    'SCENARIO_INCLUDE story.yaml:1:10: a file that is included has no variables in its name; expected its plain path',
  ],
  [
    `include: part.yaml\n${HEAD}  - say: a\n`,
    'SCENARIO_NAME_TAKEN story.yaml:4:3: `dara` is defined in part.yaml:2:3 already; expected each once',
  ],
];

const told = new Set<string>();

t.test('a step that means nothing is told with its place', async (t) => {
  for (const [steps, wanted] of WRONG_STEPS) {
    const text = `${HEAD}${steps.replaceAll(/^/gm, '  ')}\n`;
    t.strictSame(await problemsOf(text), [wanted].flat(), steps);
  }
});

t.test('a document that means nothing is told with its place', async (t) => {
  for (const [text, wanted] of WRONG_DOCUMENTS) t.strictSame(await problemsOf(text), [wanted].flat(), text);
});

t.test('every code is in the tables above', async (t) => {
  t.strictSame([...told].sort(), Object.keys(PROBLEM_CODES).sort());
});

async function problemsOf(text: string): Promise<readonly string[]> {
  const { problems } = await readStory('story.yaml', filesOf({ 'story.yaml': text, 'part.yaml': PART }));
  for (const { code } of problems ?? []) told.add(code);
  return (problems ?? []).map((problem) => `${problem.code} ${showProblem(problem)}`);
}
