/** What each connection of a transfer did, from its `segment` events. */
export class ConnectionTally {
  #rows = new Map()

  add({ type, connection, bytes, tls }) {
    const row = this.#rows.get(connection) ?? newRow(connection)
    this.#rows.set(connection, row)
    if (type === 'start') {
      row.startedAt = performance.now()
      return
    }
    row.segments += 1
    row.received += bytes
    row.seconds += (performance.now() - row.startedAt) / 1_000
    row.tls = tls ? `${tls.protocol}, ${tls.resumed ? 'resumed' : 'not resumed'}` : 'none'
  }

  rows() {
    return [...this.#rows.values()].sort((a, b) => a.connection - b.connection)
  }
}

function newRow(connection) {
  return { connection, segments: 0, received: 0, seconds: 0, startedAt: 0, tls: 'none' }
}
