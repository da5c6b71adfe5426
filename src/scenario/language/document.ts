/**
 * The language, as an author writes it: a `Document` in YAML, or as an object for `scenario()` in TypeScript; both have the
 * same shape. The JSON Schema beside it (`schema/`) says the same to editors, word by word.
 *
 * Names are those of the story's people, crowds and banks. Every text may hold `${variable}`, and where the story only knows
 * while it is played, `${step.field}`: the output of an earlier step that has a name (`as`).
 */
import type { Play } from '../story.ts';

/** A story. Only `story` and `steps` must be there. */
export interface Document {
  /** Its title. */
  readonly story: string;
  /** One or two sentences: what it shows, and why. */
  readonly about?: string;
  /** Documents of the same shape; what they define is added, and their steps come first. Relative to this file. */
  readonly include?: string | readonly string[];
  /** What `${name}` stands for. `--set name=value` overrides. */
  readonly variables?: Readonly<Record<string, string | number | boolean>>;
  readonly network?: NetworkPart;
  /** By name: lower case, unique in the story. */
  readonly people?: Readonly<Record<string, PersonPart>>;
  /** Many people alike. `shoppers` are `shoppers-001`, `shoppers-002`… */
  readonly crowds?: Readonly<Record<string, CrowdPart>>;
  readonly steps: readonly StepPart[];
}

/** A name of the story: of a person or a crowd's member (`dara`), a bank (`aclb`), an account (`dara@aclb`, `bank aclb`). */
export type Name = string;
/** `5000 KHR`, `1.50 USD`; or `${step.amount}`. */
export type AmountText = string;
/** `500 ms`, `10 s`, `5 min`, `2 h`, `3 days`. */
export type DurationText = string;
/** `012 345 678`, `+855 12 345 678`. */
export type PhoneText = string;
export type YesNo = 'yes' | 'no' | boolean;

export interface NetworkPart {
  /** How many, their ids, or their ids with names. Default 4: nbc, aclb, cnb, wing. */
  readonly banks?: number | readonly string[] | Readonly<Record<string, string>>;
  /** Id of the one that issues. Default nbc, or the first. */
  readonly centralBank?: string;
  /** By ISO 4217 code, with decimal places. Default KHR and USD. */
  readonly currencies?: Readonly<Record<string, { readonly places: number }>>;
  /** By name: how much of each currency a customer may send a day. Default basic, partial and full. */
  readonly tiers?: Readonly<Record<string, Readonly<Record<string, number | string>>>>;
  /** How long a claimed number stays with its holder. Default 2 days. */
  readonly claimDelay?: DurationText;
  /** Shortest time between blocks. Default: one whenever there is something to put in it. */
  readonly blockEvery?: DurationText;
  /** `stub` saves the time of cryptography, on the simulated engine only. */
  readonly signatures?: 'real' | 'stub';
  /** All chance comes from it. Default 1. */
  readonly seed?: number;
  /** Date and time in Phnom Penh at which the steps begin. Default `2026-01-05 06:00`. */
  readonly begins?: string;
}

export interface PersonPart {
  /** Where their account is. */
  readonly bank: Name;
  /** Bound to the account before the first step, unless the account is opened by a step. */
  readonly phone?: PhoneText;
  /** Default full. */
  readonly tier?: string;
  /** Paid in before the first step. */
  readonly has?: AmountText | readonly AmountText[];
  /** The account is opened by a step. */
  readonly opens?: 'later';
}

export interface CrowdPart {
  readonly count: number;
  /** In turn. Default: all banks but the central bank. */
  readonly banks?: readonly Name[];
  /** Each of them. */
  readonly has?: AmountText | readonly AmountText[];
  readonly tier?: string;
  /** Whether each has an invented Cambodian number. Default no. */
  readonly phones?: YesNo;
}

/** One word of `Deeds` and, beside it, what belongs to every step. */
export type StepPart = StepSetting & (Deed | Loop | Code);

export interface StepSetting {
  /** Not before this time: `09:30`, `09:30:15`, `day 2 09:30`. */
  readonly at?: string;
  /** Name under which later steps know its outputs. */
  readonly as?: string;
  /** Why this step is here. */
  readonly note?: string;
  /** How a transaction ends. Default final. */
  readonly expect?: EndingText | ExpectPart | readonly ExpectPart[];
  /** Of an `expect` step: how long it may take until all of it holds. Default 10 s. */
  readonly within?: DurationText;
}

/** `final`, `refused CODE`, `expired`, `pending`, `unreachable`, `any`. */
export type EndingText = string;

export type Deed = { [Word in keyof Deeds]: { readonly [_ in Word]: Deeds[Word] } }[keyof Deeds];

/** What a step can do, by its word. */
export interface Deeds {
  /** Tells the reader something. */
  readonly say: string;
  readonly pay: PayPart;
  /** One payer, many payees, all or none of each transaction. */
  readonly bulk: BulkPart;
  /** Opens the account of a person. */
  readonly open: Name;
  /** The central bank's officers make money for a bank. */
  readonly issue: { readonly to: Name; readonly amount: AmountText; readonly signedBy?: readonly string[] };
  /** A bank gives money back to the central bank. */
  readonly redeem: { readonly from: Name; readonly amount: AmountText; readonly signedBy?: readonly string[] };
  /** From a bank's own account to its customer's. */
  readonly deposit: { readonly to: Name; readonly amount: AmountText };
  /** From a customer's account to the bank's own. */
  readonly withdraw: { readonly from: Name; readonly amount: AmountText };
  /** Between two banks' own accounts. */
  readonly settle: { readonly from: Name; readonly to: Name; readonly amount: AmountText };
  /** Binds a phone number to a person's account; carries out a claim that is due. */
  readonly bind: PhoneDeed;
  readonly release: PhoneDeed;
  /** Asks for a number that another account has. */
  readonly claim: PhoneDeed;
  /** Objects to a claim. */
  readonly reject: PhoneDeed;
  readonly tier: { readonly of: Name; readonly is: string; readonly signedBy?: readonly string[] };
  /** Hands in the very transaction of an earlier step once more. */
  readonly replay: string | { readonly of: string; readonly via?: Name; readonly within?: DurationText };
  /** Payments of a crowd, out of the seed. */
  readonly payments: PaymentsPart;
  readonly wait: DurationText;
  /** What everybody has now, for `change` to compare with. */
  readonly remember: 'all';
  /** Steps side by side; a loop in it is one branch, whose steps follow each other. */
  readonly together: readonly StepPart[];
  readonly crash: Name | readonly Name[];
  readonly restart: Name | readonly Name[];
  readonly pause: Name | readonly Name[];
  readonly resume: Name | readonly Name[];
  /** Ends a bank's node and takes its disk away. */
  readonly wipe: Name | readonly Name[];
  /** Only banks of one group hear each other. */
  readonly partition: readonly (readonly Name[])[];
  readonly slow: { readonly banks: readonly Name[]; readonly by: DurationText };
  /** Ends partition and slowness. */
  readonly heal: 'all';
  /** From now on the bank's node is the named liar; simulated engine only. */
  readonly byzantine: { readonly bank: Name; readonly as: string };
  readonly expect: ExpectPart | readonly ExpectPart[];
}

/** Written out by the compiler, so that a story has no loops left. */
export type Loop =
  | { readonly repeat: { readonly times: number; readonly as?: string; readonly steps: readonly StepPart[] } }
  | { readonly for: ForPart }
  /** Steps of another file. */
  | { readonly include: string };

export interface ForPart {
  /** A list, a crowd's name, or `banks`. */
  readonly each: string | readonly (string | number)[];
  /** Which of them is the first, from 1 on. Default 1. */
  readonly from?: number;
  /** How many of them. Default all. */
  readonly first?: number;
  /** Name of the variable. */
  readonly as: string;
  readonly steps: readonly StepPart[];
}

/** TypeScript only: what takes a programming language. */
export interface Code {
  readonly title: string;
  readonly run: (play: Play<StepPart>) => Promise<void>;
}

export interface PayPart {
  readonly from: Name;
  /** A person, an account, a bank's own account (`bank cnb`), or a phone number. */
  readonly to: Name | PhoneText;
  readonly amount: AmountText;
  readonly memo?: string;
  /** Pays a person through their phone number. */
  readonly by?: 'phone';
  /** The phone number as an earlier payment, of this name, looked it up. */
  readonly seenBy?: string;
  /** The bank it is handed to. Default: the payer's. */
  readonly via?: Name;
  /** How long the payer waits for «final». Default 30 s. */
  readonly within?: DurationText;
  /** Default 60 s. */
  readonly validFor?: DurationText;
  /** Who signs, if not who should: people, banks, `officer 1`. */
  readonly signedBy?: readonly string[];
}

export interface BulkPart {
  readonly from: Name;
  /** The same amount to each of a crowd, or of these people. Either this or `each`. */
  readonly to?: Name | readonly Name[];
  readonly amount?: AmountText;
  readonly each?: readonly { readonly to: Name; readonly amount: AmountText }[];
  /** Payees of one transaction. Default 100. */
  readonly perTransaction?: number;
  readonly memo?: string;
}

export interface PhoneDeed {
  readonly person: Name;
  readonly phone: PhoneText;
  readonly signedBy?: readonly string[];
}

export interface PaymentsPart {
  readonly from: Name | readonly Name[];
  /** `zipf` above 0 prefers the first ones. */
  readonly to: Name | readonly Name[] | { readonly among: Name | readonly Name[]; readonly zipf?: number };
  readonly count: number;
  /** They are spread over this time. */
  readonly over: DurationText;
  /** Default poisson: as customers come. `constant`: evenly. */
  readonly arrivals?: 'constant' | 'poisson';
  /** One amount; evenly between two; or about a median, with the spread (sigma) of a lognormal. */
  readonly amount:
    | AmountText
    | { readonly from: AmountText; readonly to: AmountText; readonly roundTo?: number }
    | { readonly about: AmountText; readonly spread: number; readonly roundTo?: number };
  /** Every payer pays once. Default: whoever chance picks. */
  readonly each?: 'once';
  readonly by?: 'phone';
  readonly memo?: string;
  /** Codes of refusals that are no failure of the step; also `expired`, `pending`, `unreachable`. */
  readonly mayRefuse?: readonly string[];
  /** A payment that its bank does not answer for is handed to others, the very same one. Default no. */
  readonly retry?: YesNo;
}

/** All of it must hold. Amounts and counts may be `at least …` or `at most …`. */
export interface ExpectPart {
  /** By account. */
  readonly balance?: Readonly<Record<Name, AmountText | readonly AmountText[]>>;
  /** By account, since a `remember` step: `+5000 KHR`, `-5000 KHR`. */
  readonly change?: { readonly since: string } & Readonly<Record<Name, AmountText | readonly AmountText[]>>;
  /** Money in circulation. */
  readonly supply?: AmountText | readonly AmountText[];
  /** Whether all running banks, or these, have the same state. */
  readonly roots?: 'equal' | readonly Name[];
  /** Whether what is there is what was issued less what was redeemed. */
  readonly money?: 'conserved';
  /** By phone number: whose it is, or `nobody`. */
  readonly alias?: Readonly<Record<PhoneText, Name | { readonly account: Name; readonly epoch: number }>>;
  /** How many of a step's payments ended how; `refused CODE` counts those of one code. */
  readonly payments?: { readonly of: string } & Readonly<Record<string, string | number>>;
  /** How long payments took: `below 2 s`. */
  readonly finality?: {
    readonly of?: string;
    readonly p50?: string;
    readonly p95?: string;
    readonly p99?: string;
    readonly max?: string;
  };
  /** The bank that is proved to have voted twice, or `none`. */
  readonly evidence?: Name;
  readonly running?: Readonly<Record<Name, YesNo>>;
  /** New blocks since a step. */
  readonly blocks?: { readonly since: string; readonly is: number | string };
  /** Outputs of steps: `{ '${lunch.status}': 'OK' }`. */
  readonly value?: Readonly<Record<string, string | number>>;
}
