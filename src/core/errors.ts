/** Base of every error that a user's input can cause; `code` is stable, `exitCode` is what the command line returns. */
export class GoldcrestError extends Error {
  readonly code: string;
  readonly exitCode: number;
  constructor(code: string, message: string, exitCode = 3, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    this.exitCode = exitCode;
    this.name = new.target.name;
  }
}

/** Shapes that do not fit together; the text gives the place, what was found and what was needed. */
export class ShapeError extends GoldcrestError {
  constructor(message: string) {
    super("shape", message);
  }
}

/** An option or name that does not exist or is out of range. */
export class OptionError extends GoldcrestError {
  constructor(message: string) {
    super("option", message, 2);
  }
}

/** Images, folders or labels that cannot be used. */
export class DataError extends GoldcrestError {
  constructor(message: string, options?: ErrorOptions) {
    super("data", message, 3, options);
  }
}

/** A file whose bytes are not what its format demands. */
export class FormatError extends GoldcrestError {
  constructor(message: string, options?: ErrorOptions) {
    super("format", message, 3, options);
  }
}

/** A file or folder that cannot be read or written. */
export class FileError extends GoldcrestError {
  constructor(message: string, options?: ErrorOptions) {
    super("file", message, 3, options);
  }
}

/** Training that cannot go on: loss or gradient not finite. */
export class TrainingError extends GoldcrestError {
  constructor(message: string) {
    super("training", message, 3);
  }
}

/** The engine or this platform refuses: memory, WebAssembly features, a dead worker, a session used after disposal. */
export class EngineError extends GoldcrestError {
  constructor(message: string, options?: ErrorOptions) {
    super("engine", message, 3, options);
  }
}

/** Our own mistake; never the user's. */
export class InternalError extends Error {
  constructor(message: string) {
    super(`internal: ${message}`);
    this.name = "InternalError";
  }
}

/** Throws a ShapeError built from the values that were tested; op records use it in their shape rules. */
export function need(holds: boolean, message: () => string): asserts holds {
  if (!holds) throw new ShapeError(message());
}
