/**
 * Receipts that are kept in files. Checking one takes the genesis and nothing else: no network, no node, no clock.
 */
import { access, readFile, writeFile } from 'node:fs/promises';
import type { Client } from '../api/client.ts';
import { transactionToJson } from '../codec/json.ts';
import type { ReceiptProof } from '../codec/proof.ts';
import { createInlineVerifier } from '../crypto/verifier.ts';
import { CodedError } from '../errors.ts';
import { parseProofText, proofProblem } from '../ledger/proof.ts';
import { statusOf } from '../ledger/status.ts';
import type { Genesis } from '../types/index.ts';
import { describeCommand, describeSigners, describeTime } from './describe.ts';

/** Whose signatures made a block final. */
export interface Finality {
  readonly height: number;
  /** Participants, in the order of the validator set. */
  readonly signers: readonly string[];
  readonly validators: number;
}

/** What a receipt proves to whoever has the genesis. */
export interface VerifiedReceipt extends Finality {
  readonly id: string;
  readonly network: string;
  readonly chainId: string;
  readonly blockHash: string;
  readonly timeMs: number;
  readonly status: { readonly code: number; readonly name: string };
  readonly failedCommand: number | null;
  readonly commands: ReturnType<typeof transactionToJson>['commands'];
}

const verifier = createInlineVerifier();

/** Whether a text is a receipt that verifies under this genesis. */
export function isConvincing(genesis: Genesis, text: string): boolean {
  try {
    verifyReceipt(genesis, text);
    return true;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'NOT_VALID') return false;
    throw error;
  }
}

/** @throws CodedError `NOT_VALID` for a text that is no receipt, or proves nothing under this genesis. */
export function verifyReceipt(genesis: Genesis, text: string): VerifiedReceipt {
  const proof = parseReceipt(text);
  const problem = proofProblem(genesis, proof, verifier);
  if (problem !== null) throw new CodedError('NOT_VALID', `the receipt does not verify: ${problem}`);
  const { header, receipt, certificate, transaction } = proof;
  const members = genesis.participants.map((participant) => participant.id);
  return {
    id: receipt.transactionId,
    network: genesis.network,
    chainId: header.chainId,
    height: header.height,
    blockHash: certificate.blockHash,
    timeMs: header.timeMs,
    status: { code: receipt.status, name: statusOf(receipt.status)?.name ?? 'UNKNOWN' },
    failedCommand: receipt.failedCommand,
    commands: transactionToJson(transaction, genesis.currencies).commands,
    signers: certificate.signatures.map(({ validator }) => members[validator] ?? String(validator)),
    validators: members.length,
  };
}

/** The receipt in a few lines for people. */
export function describeReceipt(receipt: VerifiedReceipt): string {
  const { status, commands, height, timeMs, signers, validators, id, network } = receipt;
  const verdict =
    status.code === 0
      ? `Valid: this is final on network ${network}.`
      : `Valid, and a refusal: network ${network} did NOT do this (${status.name}).`;
  return [
    verdict,
    ...commands.map((command) => `  ${describeCommand(command)}`),
    `  block ${height}, ${describeTime(timeMs)}`,
    `  signed by ${describeSigners(signers, validators)}`,
    `  id ${id}`,
  ].join('\n');
}

/** Whose signatures a node's proof carries: as the node says, checked by nobody here. */
export async function readFinality(client: Client, proof: string): Promise<Finality> {
  const { certificate } = parseReceipt(proof);
  const { validators } = await client.validators();
  const names = new Map(validators.map(({ index, participant }) => [index, participant]));
  const signers = certificate.signatures.map(({ validator }) => names.get(validator) ?? String(validator));
  return { height: certificate.height, signers, validators: validators.length };
}

/** Before anything is paid: a file that is there is not overwritten. @throws CodedError `FILE_UNUSABLE`. */
export async function assertNewFile(file: string): Promise<void> {
  try {
    await access(file);
  } catch {
    return;
  }
  throw new CodedError('FILE_UNUSABLE', `${file} exists already; name a new file for the receipt`);
}

/** Keeps a receipt. @throws CodedError `FILE_UNUSABLE` where the file exists or cannot be written. */
export async function saveReceipt(file: string, proof: string): Promise<void> {
  try {
    await writeFile(file, proof, { flag: 'wx' });
  } catch (cause) {
    throw new CodedError('FILE_UNUSABLE', `the receipt is not kept: ${reasonOf(cause)}; ask for it with \`tonle tx\``, {
      cause,
    });
  }
}

/** The text of a file that somebody named. @throws CodedError `FILE_UNUSABLE`. */
export async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CodedError('FILE_UNUSABLE', `cannot read ${file}: ${reasonOf(cause)}`, { cause });
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function parseReceipt(text: string): ReceiptProof {
  try {
    return parseProofText(text);
  } catch (cause) {
    if (!(cause instanceof CodedError)) throw cause;
    throw new CodedError('NOT_VALID', cause.message, { cause });
  }
}
