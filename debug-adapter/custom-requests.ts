/**
 * What this adapter speaks beside the Debug Adapter Protocol: requests and events named `trapline/...`. Addresses and
 * register values are strings such as `0x40080010`, since JSON has no 64-bit integers.
 */

/** Request `trapline/worldSwitch`: the hypervisor's events from `since` on, oldest first. */
export interface WorldSwitchArguments {
  /** First sequence number wanted; default 0. */
  readonly since?: number;
  /** Default 1000. */
  readonly limit?: number;
}

export interface WorldSwitchRow {
  readonly seq: number;
  readonly kind: string;
  readonly register?: string;
  readonly direction?: 'read' | 'write';
  readonly old?: string;
  readonly new?: string;
  readonly policy: string;
  readonly owner?: string;
  readonly EL: number;
  readonly guestPC: string;
  /** `function+12`, where a symbol reaches. */
  readonly symbol?: string;
  readonly path?: string;
  readonly line?: number;
  /** One line for people. */
  readonly text: string;
}

export interface WorldSwitchResponse {
  readonly events: readonly WorldSwitchRow[];
  /** What to pass as `since` next time. */
  readonly nextSeq: number;
  /** Events below this number are gone: the log is a ring. */
  readonly firstSeq: number;
  readonly totals: readonly {
    readonly register: string;
    readonly traps: number;
    readonly reads: number;
    readonly writes: number;
  }[];
}

/** Answer to request `trapline/accessCounts`: what became of each MRS and MSR of a register that can trap. */
export interface AccessCountsResponse {
  readonly places: readonly AccessCountRow[];
}

export interface AccessCountRow {
  /** Of the instruction. */
  readonly address: string;
  readonly register: string;
  readonly direction: 'read' | 'write';
  /** How often the hypervisor took the access, and how often the processor made it. */
  readonly trapped: number;
  readonly straight: number;
  readonly symbol?: string;
  readonly path?: string;
  readonly line?: number;
}

/** Request `trapline/switchPolicy`. The answer is a StateBody. */
export interface SwitchPolicyArguments {
  readonly policy: string;
}

/**
 * Request `trapline/migrate`: the stopped guest goes to a host with another profile, and is debugged there from where it
 * is. Refused, with the guest left where it is, where that host cannot keep what the guest was promised. The
 * breakpoints are set again; those that have changed come as `breakpoint` events, and a `stopped` event follows.
 */
export interface MigrateArguments {
  /** The name of the profile, as in the launch configuration. */
  readonly hostProfile: string;
}

/** Request `trapline/switchFpPolicy`. The answer is a StateBody. */
export interface SwitchFpPolicyArguments {
  readonly policy: string;
}

/** Request `trapline/switchTraceScheme`. The answer is a StateBody. */
export interface SwitchTraceSchemeArguments {
  readonly scheme: string;
}

/** Request `trapline/hostActivity`: the host does something now. The answer is a StateBody. */
export interface HostActivityArguments {
  /** One of StateBody.hostActivities. */
  readonly activity: string;
}

/** Request `trapline/deviceAttribute`: KVM_SET_DEVICE_ATTR, KVM_GET_DEVICE_ATTR or KVM_HAS_DEVICE_ATTR on a vCPU. */
export interface DeviceAttributeArguments {
  readonly call: 'set' | 'get' | 'has';
  /** Default 0. */
  readonly vcpu?: number;
  /** 3 is KVM_ARM_VCPU_SPE_CTRL. */
  readonly group: number;
  /** 0 is its IRQ, 1 INIT, 2 STOP. */
  readonly attribute: number;
  /** The int that `addr` points to. Absent: `addr` cannot be accessed. */
  readonly value?: number;
}

export interface DeviceAttributeResponse {
  /** 0, or the name of the error. */
  readonly result: string;
  /** What `get` has read. */
  readonly value?: number;
  /** Which check failed, in one sentence. */
  readonly reason?: string;
}

/** Answer to request `trapline/state`, and body of the event `trapline/state`, which is sent at most every 100 ms. */
export interface StateBody {
  /** Undefined when the guest is its own hypervisor. */
  readonly policy?: string;
  readonly owner?: string;
  readonly policies: readonly {
    readonly name: string;
    readonly description: string;
    readonly guestDebug: boolean;
  }[];
  readonly fpPolicy?: string;
  readonly fpPolicies: readonly { readonly name: string; readonly description: string }[];
  /** How the host's profiling and tracing is kept out of the guest. */
  readonly traceScheme?: string;
  readonly traceSchemes: readonly { readonly name: string; readonly description: string }[];
  readonly hostActivities: readonly { readonly name: string; readonly description: string }[];
  /** The profile of the processor below the guest, and all there are. */
  readonly hostProfile: string;
  readonly hostProfiles: readonly { readonly name: string; readonly description: string }[];
  readonly state: readonly { readonly name: string; readonly value: string }[];
  /** Cycles by a model of a real machine, the sum last. `source` says what the model is. */
  readonly modelledCost?: {
    readonly source: string;
    readonly parts: readonly { readonly name: string; readonly cycles: number }[];
  };
  readonly counters: readonly { readonly name: string; readonly value: number }[];
  /** Sequence number of the next event in the log. */
  readonly nextSeq: number;
  readonly running: boolean;
  readonly program: string;
}

/**
 * Request `trapline/comparePolicies`: the same guest from its reset, with the inputs that it has had in this session
 * and without slots of the debugger, under every policy. The guest of the session stays as it is.
 */
export interface ComparePoliciesArguments {
  /** Instructions of each run at most; default: as many as the guest of the session has executed. */
  readonly instructions?: number;
}

/** What one run cost under one policy, counted from reset. */
export interface PolicyCost {
  readonly policy: string;
  readonly description: string;
  /** Why the guest cannot run under this policy, in one sentence; the figures are absent then. */
  readonly refusal?: string;
  readonly figures?: {
    readonly entries: number;
    readonly exits: number;
    /** Accesses of the guest to system registers that trapped. */
    readonly traps: number;
    /** Accesses of the hypervisor to DBGBVR, DBGBCR, DBGWVR, DBGWCR and MDCCINT_EL1. */
    readonly bundleReads: number;
    readonly bundleWrites: number;
    readonly MDCRWrites: number;
    readonly MDSCRReads: number;
    readonly MDSCRWrites: number;
    readonly IDReads: number;
  };
}

export interface ComparePoliciesResponse {
  /** Instructions that each run executed. */
  readonly instructions: number;
  /** Whether every run ended where the guest of the session ended, or the limit came first. */
  readonly endedByLimit: boolean;
  readonly policies: readonly PolicyCost[];
}

/** Answer to request `trapline/debugResources`. */
export interface DebugResourcesResponse {
  readonly slots: readonly {
    readonly kind: 'breakpoint' | 'watchpoint';
    readonly slot: number;
    readonly owner: 'guest' | 'debugger' | 'free';
    readonly guestIndex?: number;
    readonly value: string;
    readonly control: string;
    readonly contextAware: boolean;
    readonly verdict: string;
    /** `function+12` or the name of an object, where the value is an address. */
    readonly symbol?: string;
  }[];
  /** Those that the guest has enabled. */
  readonly guest: readonly {
    readonly kind: 'breakpoint' | 'watchpoint';
    /** The guest's number of it. */
    readonly index: number;
    readonly value: string;
    readonly control: string;
    /** The guest's number of the context comparator that it is linked to. */
    readonly linkedTo?: number;
    /** The slot above that holds it; absent while none does. */
    readonly slot?: number;
    readonly symbol?: string;
    /** Why it will or will not fire now. */
    readonly verdict: string;
  }[];
  readonly watchpoints: readonly WatchpointRow[];
}

/** Request `trapline/setWatchpoint`. Either `expression`, an lvalue, or `address` with `length`. */
export interface SetWatchpointArguments {
  readonly expression?: string;
  readonly address?: string;
  /** Bytes. */
  readonly length?: number;
  readonly accessType: 'read' | 'write' | 'readWrite';
  /** Default `auto`: `hw` while a slot is free, then `vm`. */
  readonly mode?: 'auto' | 'hw' | 'vm';
  readonly frameId?: number;
  readonly condition?: string;
  readonly hitCondition?: string;
}

/** Answer to `trapline/setWatchpoint`; `trapline/removeWatchpoint` takes its `id`. */
export interface WatchpointRow {
  readonly id: number;
  readonly label: string;
  readonly address: string;
  readonly length: number;
  readonly accessType: 'read' | 'write' | 'readWrite';
  /** How it is made; undefined when it could not be set. */
  readonly mechanism?: 'hw' | 'vm';
  readonly slot?: number;
  readonly verified: boolean;
  readonly message: string;
}

/** Request `trapline/consoleInput`: what is typed at the guest's serial console, as UTF-8. */
export interface ConsoleInputArguments {
  readonly text: string;
}

/**
 * Request `trapline/terminal`: the client has a terminal for the guest's serial console, or has closed it. What the
 * guest sends comes as events from then on.
 */
export interface TerminalArguments {
  readonly exists: boolean;
}

/** Event: what the guest has sent to its serial console, for the client's terminal. */
export const TERMINAL_OUTPUT_EVENT = 'trapline/terminalOutput';

export interface TerminalOutputBody {
  /** With its escape sequences. */
  readonly text: string;
}

/** Answer to request `trapline/symbols`: functions and objects of the program, by name. */
export interface SymbolsResponse {
  readonly symbols: readonly { readonly name: string; readonly address: string }[];
}

/** Request `trapline/predictAccess`: what each MRS or MSR would do if the guest executed it now. */
export interface PredictAccessArguments {
  readonly accesses: readonly {
    readonly register: string;
    readonly direction: 'read' | 'write';
  }[];
}

export interface PredictAccessResponse {
  /** In the order of the accesses. */
  readonly predictions: readonly {
    readonly outcome: 'allowed' | 'undefined' | 'trapped' | 'unknown';
    readonly EL?: number;
    readonly targetEL?: number;
    readonly controls: readonly string[];
    /** One clause for people, such as `will be trapped to EL2 (MDCR_EL2.TDA)`. */
    readonly text: string;
  }[];
}

/** Request `trapline/setAnnotations`: assertions and log lines of the sources. They replace those before them. */
export interface SetAnnotationsArguments {
  readonly annotations: readonly {
    readonly kind: 'assert' | 'log';
    readonly path: string;
    /** From 1. */
    readonly line: number;
    /** The expression that must hold, or the message with expressions in braces. */
    readonly text: string;
  }[];
}

export interface SetAnnotationsResponse {
  readonly annotations: readonly {
    readonly path: string;
    readonly line: number;
    readonly verified: boolean;
    readonly message: string;
  }[];
}

/**
 * Request `trapline/checkAbi`: calls the function once, with arbitrary values in the registers that AAPCS64 makes it
 * preserve, and puts the guest back to where it was.
 */
export interface CheckAbiArguments {
  readonly function: string;
}

export interface CheckAbiResponse {
  readonly verdict: 'preserved' | 'changed' | 'did not return';
  readonly changes: readonly {
    readonly register: string;
    readonly expected: string;
    readonly found: string;
    /** The instruction that left the wrong value. */
    readonly address?: string;
    readonly path?: string;
    readonly line?: number;
  }[];
  readonly instructions: number;
  /** One sentence for people. */
  readonly text: string;
}

/** Request `trapline/countExecutions`: how often each label was executed since it was first asked about, or the start. */
export interface CountExecutionsArguments {
  readonly labels: readonly string[];
}

export interface CountExecutionsResponse {
  readonly counts: readonly { readonly label: string; readonly count: number }[];
}

export const STATE_EVENT = 'trapline/state';
