/** A sentence about an expression that the user can fix. */
export class ExpressionError extends Error {
  /** Offset of the offending part in the expression's text. */
  readonly position: number;

  constructor(message: string, position: number) {
    super(message);
    this.name = 'ExpressionError';
    this.position = position;
  }
}
