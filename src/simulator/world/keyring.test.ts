import t from 'tap';
import { keyring } from './keyring.ts';

const message = new TextEncoder().encode('a statement');

t.test('a label and a name give the same key each time, whatever signatures are made of', async (t) => {
  const { publicKey } = keyring('a label', 'real').signer('operator/aclb');
  t.equal(keyring('a label', 'real').signer('operator/aclb').publicKey, publicKey);
  t.equal(keyring('a label', 'stub').signer('operator/aclb').publicKey, publicKey);
  t.not(keyring('a label', 'real').signer('operator/cnb').publicKey, publicKey);
  t.not(keyring('another label', 'real').signer('operator/aclb').publicKey, publicKey);
});

t.test('a signature holds for its key and message, and for no other', async (t) => {
  for (const kind of ['real', 'stub'] as const) {
    const { signer, verifier } = keyring('a label', kind);
    const { publicKey, sign } = signer('operator/aclb');
    const signature = sign(message);
    for (let i = 0; i < 2; i++) t.ok(verifier.verify({ publicKey, message, signature }), kind);
    const other = signer('operator/cnb').publicKey;
    t.notOk(verifier.verify({ publicKey: other, message, signature }), `${kind}: another key`);
    t.notOk(verifier.verify({ publicKey, message: message.slice(1), signature }), `${kind}: another message`);
    t.notOk(verifier.verify({ publicKey, message, signature: signature.slice(1) }), `${kind}: too short`);
    t.strictSame(await verifier.verifyAll([{ publicKey, message, signature }]), [true]);
  }
});
