/** A story that says every word of the language once, in YAML; tests begin with it. */
export const SAMPLE = `# yaml-language-server: $schema=./tonle-scenario.schema.json
story: Everything there is
about: Shows each word of the language once.
include: [common/banks.yaml]
variables: { gift: 20000 KHR, guests: 40 }
network:
  centralBank: nbc
  currencies: { KHR: { places: 0 }, USD: { places: 2 } }
  tiers: { basic: { KHR: 2000000, USD: 500.00 }, full: {} }
  claimDelay: 2 days
  blockEvery: 1 s
  signatures: stub
  seed: 7
  begins: "2026-04-14 06:00"
people:
  dara: { bank: aclb, phone: "012 000 001", tier: full, has: 100000 KHR }
  sok: { bank: cnb, phone: "+855 12 000 002", has: [50000 KHR, 20.00 USD] }
  mallory: { bank: wing, opens: later }
crowds:
  shoppers: { count: 400, banks: [aclb, cnb], has: 200000 KHR, phones: yes }
steps:
  - say: The bank opens.
  - at: "09:30"
    pay: { from: dara, to: sok, amount: 5000 KHR, memo: Lunch }
    as: lunch
    note: Why this step is here.
  - pay: { from: dara, to: "012 000 009", amount: 1 KHR }
    expect: refused ALIAS_NOT_FOUND
  - pay: { from: dara, to: sok, amount: "\${lunch.amount}", via: wing, within: 5 s, validFor: 60 s, signedBy: [mallory] }
    expect: any
  - pay: { from: dara, to: sok, by: phone, seenBy: lunch, amount: 1 KHR, memo: "after \${lunch.height}" }
  - bulk: { from: dara, to: shoppers, amount: 100 KHR, perTransaction: 100, memo: Wages }
  - bulk: { from: dara, each: [{ to: sok, amount: 5 KHR }, { to: shoppers-400, amount: "\${gift}" }] }
    as: bonus
  - open: mallory
  - issue: { to: aclb, amount: 1000000 KHR }
  - issue: { to: wing, amount: 1000000 KHR, signedBy: [mallory, wing, officer 1] }
    expect: refused OFFICER_QUORUM_MISSING
  - redeem: { from: aclb, amount: 1000 KHR }
  - deposit: { to: dara, amount: 1000 KHR }
  - withdraw: { from: dara, amount: 1000 KHR }
  - settle: { from: aclb, to: cnb, amount: 500 KHR }
  - bind: { person: mallory, phone: "012 000 003" }
  - release: { person: mallory, phone: "012 000 003" }
  - claim: { person: mallory, phone: "012 000 001" }
  - reject: { person: dara, phone: "012 000 001", signedBy: [aclb] }
  - tier: { of: dara, is: basic }
  - replay: lunch
  - replay: { of: lunch, via: wing, within: 3 s }
  - payments: { from: shoppers, to: { among: shoppers, zipf: 1.2 }, count: "\${guests}", over: 2 h, arrivals: poisson,
                amount: { about: 8000 KHR, spread: 0.8, roundTo: 100 }, by: phone, mayRefuse: [INSUFFICIENT_FUNDS], retry: yes }
    as: rush
  - payments: { from: shoppers, to: sok, count: 400, over: 1 h, each: once, arrivals: constant,
                amount: { from: 100 KHR, to: 900 KHR, roundTo: 100 } }
  - payments: { from: [dara, sok], to: shoppers, count: 3, over: 1 min, amount: 500 KHR }
  - wait: 10 min
  - remember: all
    as: noon
  - together:
      - pay: { from: dara, to: sok, amount: 1 KHR }
      - repeat: { times: 2, steps: [{ wait: 1 s }, { pay: { from: sok, to: dara, amount: 1 KHR } }] }
  - repeat: { times: 3, as: i, steps: [{ say: "Round \${i}" }] }
  - for: { each: [aclb, cnb], as: bank, steps: [{ crash: "\${bank}" }, { restart: "\${bank}" }] }
  - for: { each: shoppers, from: 2, first: 2, as: who, steps: [{ deposit: { to: "\${who}", amount: 1 KHR } }] }
  - for: { each: banks, as: b, steps: [{ expect: { running: { "\${b}": yes } } }] }
  - include: steps/closing.yaml
  - crash: aclb
  - restart: [aclb]
  - pause: cnb
  - resume: cnb
  - wipe: wing
  - partition: [[nbc, aclb], [cnb, wing]]
  - slow: { banks: [wing], by: 300 ms }
  - heal: all
  - byzantine: { bank: wing, as: equivocator }
  - at: day 2 09:30:15
    expect:
      balance: { dara: 90000 KHR, sok: [at least 1 KHR, 0 USD], "bank cnb": 500 KHR }
      change: { since: noon, dara: -5000 KHR, sok: +5000 KHR }
      supply: 5000000 KHR
      roots: equal
      money: conserved
      alias: { "012 000 002": sok, "012 000 003": nobody, "012 000 001": { account: dara, epoch: 2 } }
      payments: { of: rush, final: all, refused INSUFFICIENT_FUNDS: at most 3, pending: 0 }
      finality: { of: rush, p99: below 2 s, max: below 5 s }
      evidence: wing
      running: { aclb: no }
      blocks: { since: noon, is: 0 }
      value: { "\${lunch.status}": OK, "\${rush.sent}": at least 3 }
    within: 30 s
  - expect: [{ balance: { dara: "\${noon.dara.KHR}" } }, { roots: [nbc, aclb], evidence: none }]
`;

/** What the story includes. */
export const SAMPLE_FILES: Readonly<Record<string, string>> = {
  'scenarios/all.yaml': SAMPLE,
  'scenarios/common/banks.yaml': `network:
  banks: { nbc: National Bank of Cambodia, aclb: ACLEDA Bank, cnb: Canadia Bank, wing: Wing Bank }
steps:
  - say: First of all.
`,
  'scenarios/steps/closing.yaml': `steps:
  - say: The bank closes.
`,
};

export const SAMPLE_FILE = 'scenarios/all.yaml';

/** Reads these files and no others. */
export function filesOf(files: Readonly<Record<string, string>>): { readText(path: string): Promise<string> } {
  return {
    readText: (path) => {
      const text = files[path];
      return text === undefined ? Promise.reject(new Error('no such file')) : Promise.resolve(text);
    },
  };
}
