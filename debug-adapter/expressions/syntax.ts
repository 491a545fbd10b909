/** The syntax tree of an expression. `position` is an offset in its text. */

export type UnaryOperator = '+' | '-' | '!' | '~' | '*' | '&';
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>';
export type ComparisonOperator = '==' | '!=' | '<' | '<=' | '>' | '>=';
export type BinaryOperator = ArithmeticOperator | ComparisonOperator;

/** A type as written in a cast: `const struct task *[4]`. */
export interface TypeSyntax {
  readonly position: number;
  /** `unsigned int`, `struct task`, `uint32_t`. */
  readonly name: string;
  readonly pointers: number;
  /** Outermost dimension first. */
  readonly dimensions: readonly number[];
}

export type Syntax =
  | {
      readonly kind: 'integer';
      readonly position: number;
      readonly value: bigint;
      readonly type: 'int' | 'unsigned int' | 'long' | 'unsigned long' | 'char';
    }
  | {
      readonly kind: 'float';
      readonly position: number;
      readonly value: number;
      readonly type: 'float' | 'double';
    }
  | { readonly kind: 'string'; readonly position: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'name';
      readonly position: number;
      readonly name: string;
      readonly qualifier: string | undefined;
    }
  | { readonly kind: 'register'; readonly position: number; readonly name: string }
  | {
      readonly kind: 'unary';
      readonly position: number;
      readonly operator: UnaryOperator;
      readonly operand: Syntax;
    }
  | {
      readonly kind: 'binary';
      readonly position: number;
      readonly operator: BinaryOperator;
      readonly left: Syntax;
      readonly right: Syntax;
    }
  | {
      readonly kind: 'logical';
      readonly position: number;
      readonly operator: '&&' | '||';
      readonly left: Syntax;
      readonly right: Syntax;
    }
  | {
      readonly kind: 'conditional';
      readonly position: number;
      readonly condition: Syntax;
      readonly whenTrue: Syntax;
      readonly whenFalse: Syntax;
    }
  | {
      readonly kind: 'member';
      readonly position: number;
      readonly object: Syntax;
      readonly name: string;
      readonly isArrow: boolean;
    }
  | {
      readonly kind: 'index';
      readonly position: number;
      readonly object: Syntax;
      readonly index: Syntax;
    }
  /** `first@count`: an array that starts at an object in memory. */
  | {
      readonly kind: 'slice';
      readonly position: number;
      readonly first: Syntax;
      readonly count: Syntax;
    }
  | {
      readonly kind: 'cast';
      readonly position: number;
      readonly type: TypeSyntax;
      readonly operand: Syntax;
    }
  | { readonly kind: 'sizeofType'; readonly position: number; readonly type: TypeSyntax }
  | { readonly kind: 'sizeof'; readonly position: number; readonly operand: Syntax }
  | {
      readonly kind: 'assign';
      readonly position: number;
      readonly target: Syntax;
      readonly value: Syntax;
    };

/** What stands behind the last comma: `,x` or `,[16]`. */
export interface FormatSuffix {
  readonly base:
    | 'hexadecimal'
    | 'decimal'
    | 'unsigned'
    | 'octal'
    | 'binary'
    | 'character'
    | 'string'
    | 'address'
    | 'float'
    | undefined;
  /** Show a pointer as an array of so many elements. */
  readonly count: Syntax | undefined;
}
