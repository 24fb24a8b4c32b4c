/**
 * The key under which an object tells Node how it is to be shown (`util.inspect.custom`). It is a registered
 * symbol, so no import of `node:util` is needed.
 */
export const inspectCustom: unique symbol = Symbol.for('nodejs.util.inspect.custom')
