/**
 * The network's payments as PostgreSQL has them: two balances and a record of each transfer, whose random id refuses a
 * replay, in one transaction; no balance below zero. The two rows are locked in the order of their numbers, so that no two
 * transfers wait for each other in a circle.
 */

/** As the network's accounts have it: enough for ten thousand transfers of a hundred. */
const FUNDS_MINOR = 1_000_000;
/** Part of a page that is filled at first: room for the next version of a balance on its own page, without a new index entry. */
const FILL_PERCENT = 50;

interface Variant {
  /** In words, for the report. */
  readonly name: string;
  /** A pgbench script. */
  readonly script: string;
}

export function schemaSql(accounts: number): string {
  return `
    CREATE TABLE account (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0)) WITH (fillfactor = ${FILL_PERCENT});
    CREATE TABLE transfer (id bytea PRIMARY KEY CHECK (length(id) = 32), payer int NOT NULL, payee int NOT NULL,
      amount bigint NOT NULL CHECK (amount > 0));
    CREATE TABLE mark (at timestamptz NOT NULL);
    INSERT INTO account SELECT id, ${FUNDS_MINOR} FROM generate_series(1, ${accounts}) AS id;
    CREATE FUNCTION pay(transfer_id bytea, payer int, payee int, amount bigint) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO transfer VALUES (transfer_id, payer, payee, amount);
      UPDATE account SET balance = balance + CASE WHEN payer < payee THEN -amount ELSE amount END
        WHERE id = least(payer, payee);
      IF NOT FOUND THEN RAISE EXCEPTION 'there is no account %', least(payer, payee); END IF;
      UPDATE account SET balance = balance + CASE WHEN payer < payee THEN amount ELSE -amount END
        WHERE id = greatest(payer, payee);
      IF NOT FOUND THEN RAISE EXCEPTION 'there is no account %', greatest(payer, payee); END IF;
    END $$;`;
}

/** Ways to say one transfer, each a single round trip; the benchmark tries them and takes the faster one. */
export function variants(accounts: number): readonly Variant[] {
  return [
    {
      name: 'one call of a PL/pgSQL function, prepared',
      script: `${drawn(accounts)}SELECT pay(${TRANSFER_ID}, :payer, :payee, :amount);\n`,
    },
    {
      name: 'BEGIN, INSERT, two UPDATEs and COMMIT in one pipeline, prepared',
      script: `${drawn(accounts)}\\set low least(:payer, :payee)
\\set high greatest(:payer, :payee)
\\set low_gains case when :payer < :payee then -:amount else :amount end
\\startpipeline
BEGIN;
INSERT INTO transfer VALUES (${TRANSFER_ID}, :payer, :payee, :amount);
UPDATE account SET balance = balance + :low_gains WHERE id = :low;
UPDATE account SET balance = balance - :low_gains WHERE id = :high;
COMMIT;
\\endpipeline
`,
    },
  ];
}

/** 252 random bits in 32 bytes: pgbench draws nothing but numbers. */
const TRANSFER_ID = 'int8send(:a) || int8send(:b) || int8send(:c) || int8send(:d)';

/** What a transfer is made of: any two different accounts, and 1 to 100 minor units. */
function drawn(accounts: number): string {
  const id = ['a', 'b', 'c', 'd'].map((name) => `\\set ${name} random(0, 9223372036854775806)\n`).join('');
  return `${id}\\set payer random(1, ${accounts})
\\set payee 1 + (:payer - 1 + random(1, ${accounts - 1})) % ${accounts}
\\set amount random(1, 100)
`;
}
