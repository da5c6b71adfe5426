/** Texts of receipts against hostile ones: exactly what `proofText` writes is read, and nothing else. */
import fc from 'fast-check';
import t from 'tap';
import { receiptProof } from '../codec/proof.ts';
import { decode } from '../codec/schema.ts';
import { fuzzRuns, hostileText, readerProblem } from '../testing/fuzz.ts';
import { corpusOf, hostileCbor } from '../testing/fuzz-cbor.ts';
import { decoders } from '../testing/fuzz-decoders.ts';
import { parseProofText, proofText } from './proof.ts';

const proofs = decoders(6).find(({ name }) => name === 'receiptProof');
const texts = (proofs?.messages ?? []).map((bytes) => proofText(decode(receiptProof, bytes, 1 << 20)));

t.test('a text that was changed is refused, or says what it says', async (t) => {
  for (const text of texts) t.doesNotThrow(() => parseProofText(text));
  const property = fc.property(fc.nat(), (seed) => {
    const text = hostileText(seed, texts);
    const problem = readerProblem(text, parseProofText, ['RECEIPT_MALFORMED'], proofText);
    if (problem !== null) throw new Error(`${problem}\n${text.slice(0, 400)}`);
  });
  fc.assert(property, fuzzRuns(800));
});

t.test('hostile bytes in a text of good form', async (t) => {
  const corpus = corpusOf(proofs?.messages ?? []);
  t.ok(texts.length > 0);
  const property = fc.property(fc.nat(), (seed) => {
    const { bytes, how } = hostileCbor(seed, corpus);
    const text = `${JSON.stringify({ format: 'tonle-receipt', version: 1, proof: Buffer.from(bytes).toString('hex') })}\n`;
    const problem = readerProblem(text, parseProofText, ['RECEIPT_MALFORMED'], proofText);
    if (problem !== null) throw new Error(`${how}: ${problem}`);
  });
  fc.assert(property, fuzzRuns(800));
});
