/**
 * Why: a gift is passed on, and everybody keeps a tenth of it. How often it changes hands nobody has written down: it goes on
 * until it is below a bound, and at each hop the sum of all that they have is what it was. A loop that runs until something
 * holds takes a programming language; the rest of the story is the same words as in YAML.
 */
import { scenario } from 'tonle';

/** In riel. */
const GIFT = 500_000n;
const TOO_SMALL = 100_000n;
const FRIENDS = ['dara', 'sok', 'bopha', 'vanna'];

export default scenario({
  story: 'Pay it forward',
  about: 'A gift goes round four friends at three banks, a tenth less each time, until it is too small to share.',
  people: {
    dara: { bank: 'aclb', phone: '012 000 001', has: `${GIFT} KHR` },
    sok: { bank: 'cnb', phone: '012 000 002' },
    bopha: { bank: 'wing', phone: '012 000 003' },
    vanna: { bank: 'aclb', phone: '012 000 004' },
  },
  steps: [
    { say: 'Dara begins with all of it. Each keeps a tenth and passes the rest on.' },
    {
      title: 'the gift goes round until it is too small',
      run: async (play) => {
        let gift = GIFT;
        for (let hop = 0; gift >= TOO_SMALL; hop++) {
          const from = FRIENDS[hop % FRIENDS.length] ?? '';
          const to = FRIENDS[(hop + 1) % FRIENDS.length] ?? '';
          gift -= gift / 10n;
          const memo = `Pass it on, ${hop + 1}`;
          const { finalityMs } = await play.do({ pay: { from, to, by: 'phone', amount: `${gift} KHR`, memo } });
          play.expect(Number(finalityMs) < 5_000, `hop ${hop + 1} is final within 5 s`);
          const all = await Promise.all(FRIENDS.map((name) => play.balance(name, 'KHR')));
          const sum = all.reduce((whole, part) => whole + part, 0n);
          play.expect(sum === GIFT, `after hop ${hop + 1} the friends have ${GIFT} KHR together; they have ${sum}`);
        }
      },
    },
    { expect: { money: 'conserved', roots: 'equal', evidence: 'none' } },
  ],
});
